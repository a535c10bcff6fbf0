import type { ItemEvent, ItemRef, OrderStatus } from '@flux/contracts';
import type { GateItem, GateOrder } from '@flux/gate';
import { insertSale, kafkaBatch, kafkaMessage, noteCreation, opening, prove } from '@flux/testing';
import type { Processes, RealServers } from './real-servers';

/** A row of `orders` in what matters here. */
export interface RealRow {
  readonly orderId: string;
  readonly state: string;
  readonly history: readonly { readonly status: OrderStatus }[] | null;
  readonly wish: number | null;
  readonly untold: boolean;
  readonly holdUntilMs: number | null;
}

export interface RealLedger {
  readonly counters: unknown;
  /** By sequence. */
  readonly rows: readonly RealRow[];
  /** By payment id, with the number of refunds. */
  readonly money: unknown;
}

/** One item on sale, and Kafka's log of it: messages in their order, and how far the consumer has come. */
export class RealSale {
  readonly log: ItemEvent[] = [];
  consumed = 0;
  private relayed = '0-0';

  private constructor(
    readonly servers: RealServers,
    readonly item: ItemRef,
  ) {}

  static async open(
    servers: RealServers,
    { stock, gateStock, limit }: { stock: number; gateStock: number; limit: number },
  ): Promise<RealSale> {
    const { clients, dataSource } = servers.processes;
    // The loops work on all sales: what a run left that failed must not be taken for this one's.
    for (const table of ['refunds', 'payments', 'order_events', 'orders']) {
      await dataSource.query(`DELETE FROM ${table}`);
    }
    const [item] = await insertSale(dataSource, [{ stock, perShopperLimit: limit }]);
    if (item === undefined) throw new Error('no item was made');
    await noteCreation(dataSource, item);
    const opened = await clients.gate.open(opening(item, { available: gateStock, perShopperLimit: limit }));
    if (opened.outcome !== 'opened') throw new Error(opened.outcome);
    return new RealSale(servers, item);
  }

  get processes(): Processes {
    return this.servers.processes;
  }

  /** Redis with what it had acknowledged, new processes, and the gate proven as the admin process does. */
  async restart(): Promise<void> {
    await this.servers.restart();
    await prove(this.processes.clients.connection, this.item);
  }

  /** As a relay does: what is new in the outbox goes to the log. */
  async relay(): Promise<readonly ItemEvent[]> {
    const page = { after: this.relayed, count: 10_000 };
    const entries = await this.processes.clients.outboxes.read(this.item, page);
    this.relayed = entries.at(-1)?.id ?? this.relayed;
    const events = entries.map((entry) => {
      if (entry.outcome === 'unreadable') throw new Error(entry.reason);
      return entry.event;
    });
    this.log.push(...events);
    return events;
  }

  /** Hands messages of the log to the orders process. */
  async handle(events: readonly ItemEvent[]): Promise<void> {
    if (events.length === 0) return;
    const messages = events.map((event) => kafkaMessage(event, { offset: BigInt(this.log.indexOf(event)) }));
    const answer = await this.processes.handler.handle(kafkaBatch(...messages));
    if (answer.next !== 'done') throw new Error(answer.reason);
  }

  /** As far as a process comes that dies right after its commit. */
  async commitOnly(events: readonly ItemEvent[]): Promise<void> {
    const placed = events.map((event) => ({ event, offset: BigInt(this.log.indexOf(event)) }));
    const applied = await this.processes.batches.apply(placed);
    if (applied.outcome !== 'applied') throw new Error(applied.reason);
  }

  /** The outbox's events of which the ledger lacks something. */
  async missing(): Promise<readonly ItemEvent[]> {
    const { clients, reader } = this.processes;
    const entries = await clients.outboxes.read(this.item, { after: '0-0', count: 10_000 });
    const events = entries.flatMap((entry) => (entry.outcome === 'event' ? [entry.event] : []));
    return reader.missingEvents(this.item, events);
  }

  async gate(): Promise<GateItem> {
    const found = await this.processes.clients.gate.readItem(this.item);
    if (found === undefined) throw new Error('the gate has lost the item');
    return found;
  }

  async counts(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for await (const { shopperId, units } of this.processes.clients.gate.shoppersOf(this.item)) {
      counts.set(shopperId, units);
    }
    return counts;
  }

  /** What their shoppers read. */
  async read(orderIds: readonly string[]): Promise<ReadonlyMap<string, GateOrder>> {
    const outcomes = await this.processes.clients.gate.readOrders(this.item, orderIds);
    return new Map(
      [...outcomes].flatMap(([orderId, read]) => (read.outcome === 'order' ? [[orderId, read.order]] : [])),
    );
  }

  /** What PostgreSQL has of the sale. */
  async ledger(): Promise<RealLedger> {
    const [ledger]: RealLedger[] = await this.processes.dataSource.query(
      `SELECT json_build_object(
                'initial', initial, 'held', held, 'sold', sold, 'parked', parked,
                'watermark', watermark, 'suspended', suspended_reason
              ) AS counters,
              (SELECT coalesce(json_agg(json_build_object(
                 'orderId', order_id, 'state', state, 'history', history, 'wish', cancel_sequence,
                 'untold', gate_epoch IS NOT NULL, 'holdUntilMs', floor(extract(epoch FROM hold_until) * 1000)
               ) ORDER BY sequence), '[]') FROM orders WHERE sale_id = $1) AS rows,
              (SELECT coalesce(json_agg(json_build_object(
                 'paymentId', payment_id, 'orderId', order_id, 'state', payments.state, 'giveBack', give_back_units,
                 'refunds', (SELECT count(*) FROM refunds WHERE refunds.payment_id = payments.payment_id)
               ) ORDER BY payment_id), '[]') FROM payments JOIN orders USING (order_id) WHERE sale_id = $1) AS money
       FROM ledger WHERE sale_id = $1`,
      [this.item.saleId],
    );
    if (ledger === undefined) throw new Error('the sale has no ledger');
    return ledger;
  }

  /** What the gate was told of these orders was not noted. */
  async forgetTold(orders: readonly { readonly orderId: string }[]): Promise<void> {
    await this.processes.dataSource.query(
      `UPDATE orders SET gate_epoch = 1,
              gate_units = CASE WHEN state IN ('cancelled', 'expired') THEN quantity ELSE 0 END
       WHERE order_id = ANY ($1)`,
      [orders.map(({ orderId }) => orderId)],
    );
  }

  /** The holds of these orders run out. */
  async runOut(orderIds: readonly string[]): Promise<void> {
    await this.processes.dataSource.query(
      `UPDATE orders SET hold_until = now() - interval '1 second' WHERE order_id = ANY ($1) AND state = 'confirmed'`,
      [orderIds],
    );
  }
}
