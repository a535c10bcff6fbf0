export interface ServiceAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Longer than any answer may take: who waits longer does not know the outcome. */
const PATIENCE_MS = 30_000;

/** The shop-service API as the shop's own backend would call it. */
export class ShopBackend {
  constructor(
    private readonly baseUrl: string,
    private readonly key: string,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  async call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<ServiceAnswer> {
    const answer = await fetch(new URL(path, this.baseUrl), {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(this.patienceMs),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  /** Tells that the money for an order of one unit has come. */
  async paid(orderId: string, paymentId: string, amountMinor = 12_900): Promise<ServiceAnswer> {
    return this.call('POST', `/shop/v1/orders/${orderId}/paid`, { paymentId, amountMinor, currency: 'EUR' });
  }
}
