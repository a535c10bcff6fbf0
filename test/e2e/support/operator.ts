interface ItemOptions {
  readonly stock: number;
  readonly perShopperLimit?: number;
  readonly holdMs?: number;
}

interface SaleOptions {
  readonly saleId: string;
  readonly holdMs: number;
  readonly items: readonly {
    readonly productId: string;
    readonly stock: number;
    readonly perShopperLimit: number;
  }[];
}

interface GateCounters {
  readonly status: string;
  readonly state: string;
  readonly available: number;
  readonly epoch: number;
  readonly watermark: number;
  readonly outboxLength: number;
}

interface OperatorSale {
  readonly items: readonly { readonly gate: GateCounters }[];
}

/** The operator API as an operator's script would call it. */
export class Operator {
  constructor(
    private readonly baseUrl: string,
    private readonly key: string,
  ) {}

  async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  }

  /** Creates and opens a sale of one product, open from now on for an hour. */
  async openSale(
    saleId: string,
    productId: string,
    { stock, perShopperLimit = 1, holdMs = 600_000 }: ItemOptions,
  ): Promise<void> {
    await this.createSale({ saleId, holdMs, items: [{ productId, stock, perShopperLimit }] });
    const opened = await this.call('POST', `/admin/v1/sales/${saleId}/open`);
    if (opened.status !== 200) throw new Error(`opening answered ${JSON.stringify(opened)}`);
  }

  /** Creates a sale that may be open from now on for an hour. */
  async createSale({ saleId, holdMs, items }: SaleOptions): Promise<void> {
    const created = await this.call('POST', '/admin/v1/sales', {
      id: saleId,
      name: `Sale ${saleId}`,
      opensAt: new Date(Date.now() - 60_000).toISOString(),
      closesAt: new Date(Date.now() + 3_600_000).toISOString(),
      holdMs,
      items: items.map((item) => ({ ...item, name: item.productId, priceMinor: 12_900, currency: 'EUR' })),
    });
    if (created.status !== 201) throw new Error(`creating answered ${JSON.stringify(created)}`);
  }

  /** The gate's counters of a sale's only item. */
  async gateOf(saleId: string): Promise<GateCounters> {
    const { body } = await this.call('GET', `/admin/v1/sales/${saleId}`);
    const [item] = (body as OperatorSale).items;
    if (item === undefined) throw new Error(`the sale ${saleId} has no item`);
    return item.gate;
  }
}
