import type { ItemEvent, ItemRef, OrderStatus } from '@flux/contracts';
import {
  BatchTransaction,
  Cancellations,
  eventsOfRuns,
  Holds,
  ItemEntity,
  LatePayments,
  LedgerEntity,
  LIVE_STATES,
  OrderEntity,
  OrderEventEntity,
  PaymentEntity,
  Payments,
  RefundEntity,
  TellGate,
  type ExpiryResult,
  type Payment,
} from '@flux/ledger';
import {
  connectGate,
  gateConfig,
  SaleWorld,
  TcpProxy,
  waitUntil,
  type GateClients,
  type ItemOptions,
  type PurchaseOptions,
} from '@flux/testing';
import type { DataSource } from 'typeorm';

/** The services of one process that changes orders, on a pool and a gate connection. */
export class LifeProcess {
  readonly tellGate: TellGate;
  readonly late: LatePayments;
  readonly payments: Payments;
  readonly cancellations: Cancellations;
  readonly holds: Holds;

  constructor(
    readonly dataSource: DataSource,
    readonly clients: GateClients,
  ) {
    this.tellGate = new TellGate(dataSource, clients.gate);
    this.late = new LatePayments(dataSource, clients.gate, this.tellGate);
    this.payments = new Payments(dataSource, this.tellGate, this.late);
    this.cancellations = new Cancellations(dataSource, this.tellGate);
    this.holds = new Holds(dataSource);
  }

  /** Ends all holds that have run out, and tells the gate. */
  async expire(limit = 1_000): Promise<readonly string[]> {
    const result = await this.holds.expireDue(limit);
    for (const { item, changes } of result.items) await this.tellGate.tellChanges(item, changes);
    return idsOf(result);
  }
}

/** The orders that an expiry has ended. */
export function idsOf({ items }: ExpiryResult): string[] {
  return items.flatMap(({ changes }) => changes.map(({ orderId }) => orderId));
}
/** A process whose way to the gate can be cut. */
export class RemoteProcess {
  private constructor(
    readonly proxy: TcpProxy,
    readonly process: LifeProcess,
  ) {}

  static async start(world: LifeWorld): Promise<RemoteProcess> {
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: world.sale.redis.port });
    return new RemoteProcess(proxy, await world.process(`redis://127.0.0.1:${proxy.port}`));
  }

  async cut(): Promise<void> {
    this.proxy.set('cut');
    await waitUntil('the connection is gone', () => !this.process.clients.gate.isReady());
  }

  async mend(): Promise<void> {
    this.proxy.set('pass');
    await waitUntil('the connection is back', () => this.process.clients.gate.isReady());
  }
}

/** A sale whose orders are confirmed, in a gate and a ledger of the test's own. */
export class LifeWorld {
  private readonly connections: GateClients[] = [];
  private payments = 0;

  private constructor(readonly sale: SaleWorld) {}

  static async start(): Promise<LifeWorld> {
    return new LifeWorld(await SaleWorld.start());
  }

  get manager(): DataSource['manager'] {
    return this.sale.database.dataSource.manager;
  }

  /** @param redisUrl another way to the gate: a proxy */
  async process(redisUrl = this.sale.redis.url): Promise<LifeProcess> {
    const clients = await connectGate(gateConfig(redisUrl, { FLUX_REDIS_COMMAND_TIMEOUT_MS: '1000' }));
    this.connections.push(clients);
    return new LifeProcess(await this.sale.database.connect(), clients);
  }

  /** An item that is sold out, or has `left` units more, to the orders that it answers. */
  async confirmed(
    purchases: number | readonly PurchaseOptions[],
    { left = 0, ...options }: Partial<ItemOptions> & { readonly left?: number } = {},
  ): Promise<{ readonly item: ItemRef; readonly orderIds: readonly string[] }> {
    const units =
      typeof purchases === 'number'
        ? purchases
        : purchases.reduce((sum, { quantity = 1 }) => sum + quantity, 0);
    const item = await this.sale.openItem({ stock: units + left, ...options });
    return { item, orderIds: await this.buy(item, purchases) };
  }

  /** Bought at the gate, committed and settled. */
  async buy(item: ItemRef, purchases: number | readonly PurchaseOptions[]): Promise<readonly string[]> {
    const events = await this.sale.accept(item, purchases);
    await this.apply(events);
    return events.flatMap((event) => event.orders.map(({ orderId }) => orderId));
  }

  async apply(events: readonly ItemEvent[]): Promise<void> {
    const batches = new BatchTransaction(this.sale.database.dataSource);
    const applied = await batches.apply(events.map((event) => ({ event, offset: 0n })));
    if (applied.outcome === 'refused') throw new Error(applied.reason);
    for (const { settlement } of applied.items) {
      if (settlement !== undefined) await this.sale.clients.gate.settle(settlement);
    }
  }

  /** The hold of these orders runs out now, or ran out `agoMs` ago. */
  async runOut(orderIds: readonly string[], agoMs = 0): Promise<void> {
    await this.manager.query(
      `UPDATE orders SET hold_until = now() - $2 * interval '1 millisecond'
       WHERE order_id = ANY ($1) AND state = 'confirmed'`,
      [orderIds, agoMs],
    );
  }

  /** An order that has expired, and whose gate knows it. */
  async expired(
    purchases: readonly PurchaseOptions[],
    options: Partial<ItemOptions> & { readonly left?: number } = {},
  ): Promise<{ readonly item: ItemRef; readonly orderIds: readonly string[] }> {
    const confirmed = await this.confirmed(purchases, options);
    await this.runOut(confirmed.orderIds);
    const { dataSource } = this.sale.database;
    await new LifeProcess(dataSource, this.sale.clients).expire();
    return confirmed;
  }

  /** The right payment for an order, with an id of its own unless told. */
  async paymentFor(orderId: string, changes: Partial<Payment> = {}): Promise<Payment> {
    const { saleId, productId, quantity } = await this.order(orderId);
    const { priceMinor, currency } = await this.manager.findOneByOrFail(ItemEntity, { saleId, productId });
    this.payments += 1;
    const paymentId = `pi_${this.payments}`;
    return { paymentId, orderId, amountMinor: priceMinor * quantity, currency, provider: 'demo', ...changes };
  }

  async order(orderId: string): Promise<OrderEntity> {
    return this.manager.findOneByOrFail(OrderEntity, { orderId });
  }

  async payment(paymentId: string): Promise<PaymentEntity | null> {
    return this.manager.findOneBy(PaymentEntity, { paymentId });
  }

  async refundsOf(orderId: string): Promise<readonly RefundEntity[]> {
    return this.manager.findBy(RefundEntity, { orderId });
  }

  async ledger(item: ItemRef): Promise<LedgerEntity> {
    return this.manager.findOneByOrFail(LedgerEntity, { ...item });
  }

  /** What the order went through, by the rows: `accepted`, then what its history and its state say. */
  async pathOf(orderId: string): Promise<string[]> {
    const { history, state } = await this.order(orderId);
    return ['accepted', ...(history ?? []).map(({ status }) => status), state];
  }

  /** The queued events of an item, oldest first: `<order id>.<status>`. */
  async eventIds(item: ItemRef): Promise<string[]> {
    const rows = await this.manager.find(OrderEventEntity, { where: { ...item }, order: { id: 'ASC' } });
    return rows.flatMap((row) => eventsOfRuns(row, row.events).map(({ id }) => id));
  }

  /**
   * Compares the ledger's counters with its orders, and the gate's stock, counts and statuses with both; units that
   * the gate has given and the ledger does not know of are `unsettled`.
   */
  async expectBalanced(
    item: ItemRef,
    { unsettled = 0 }: { readonly unsettled?: number } = {},
  ): Promise<void> {
    const ledger = await this.ledger(item);
    const orders = await this.manager.findBy(OrderEntity, { ...item });
    const units = (...states: readonly string[]): number =>
      orders.filter(({ state }) => states.includes(state)).reduce((sum, { quantity }) => sum + quantity, 0);
    const { initial, held, sold, parked } = ledger;
    expect({ held, sold, parked }).toEqual({
      held: units('confirmed'),
      sold: units('paid'),
      parked: orders.reduce((sum, { booked }) => sum + booked, 0),
    });
    const { gate } = this.sale.clients;
    const atGate = await gate.readItem(item);
    expect(atGate?.available).toBe(initial - held - sold - parked - unsettled);

    const live = new Map<string, number>();
    for (const { shopperId, state, quantity } of orders) {
      const counts = (LIVE_STATES as readonly string[]).includes(state);
      live.set(shopperId, (live.get(shopperId) ?? 0) + (counts ? quantity : 0));
    }
    const counted = new Map<string, number>();
    for await (const { shopperId, units: count } of gate.shoppersOf(item)) counted.set(shopperId, count);
    for (const [shopperId, count] of live)
      expect([shopperId, counted.get(shopperId)]).toEqual([shopperId, count]);

    for (const { orderId, state } of orders)
      expect([orderId, await this.statusAtGate(orderId)]).toEqual([orderId, state]);
  }

  async statusAtGate(orderId: string): Promise<OrderStatus | undefined> {
    const read = await this.sale.clients.gate.readOrder(orderId);
    return read.outcome === 'order' ? read.order.status : undefined;
  }

  async stop(): Promise<void> {
    for (const { connection } of this.connections) connection.close();
    await this.sale.stop();
  }
}
