/** A shopper's browser: looks at an order, gives it up, follows its events. */
export class Shopper {
  constructor(
    private readonly baseUrl: string,
    readonly shopperId: string,
  ) {}

  async order(orderId: string): Promise<Record<string, string>> {
    const answer = await fetch(`${this.baseUrl}/v1/orders/${orderId}`, { headers: this.headers() });
    if (answer.status !== 200) throw new Error(`the order was answered ${answer.status}`);
    return (await answer.json()) as Record<string, string>;
  }

  /** The status of the answer. */
  async cancel(orderId: string): Promise<number> {
    const answer = await fetch(`${this.baseUrl}/v1/orders/${orderId}/cancel`, {
      method: 'POST',
      headers: this.headers(),
    });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** Every status of the order's stream until the gateway ends it. The ticket is all that identifies the reader. */
  async statuses(orderId: string): Promise<string[]> {
    const { eventsUrl = '' } = await this.order(orderId);
    const answer = await fetch(new URL(eventsUrl, this.baseUrl));
    const text = await answer.text();
    return [...text.matchAll(/^data: ?(.*)$/gm)].map(([, data = '']) => {
      return (JSON.parse(data) as { status: string }).status;
    });
  }

  private headers(): Record<string, string> {
    return { 'x-shopper-id': this.shopperId };
  }
}
