import {
  encodeItemEvent,
  orderIdsOf,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_ACCEPTED_TYPE,
  type AcceptedOrder,
  type CancelRequested,
  type ItemEvent,
  type ItemRef,
  type OrdersAccepted,
} from '@flux/contracts';
import type { KafkaBatch, KafkaMessage } from '@flux/kafka';
import { createDatabase, type TestDatabase } from './database';
import {
  connectGate,
  gateConfig,
  opening,
  purchase,
  type GateClients,
  type PurchaseOptions,
} from './gate-fixtures';
import { insertSale } from './ledger-fixtures';
import { startRedis, type RedisServer } from './redis-server';

export interface ItemOptions {
  readonly stock: number;
  /** What the gate believes; the ledger's stock unless told otherwise. */
  readonly gateStock?: number;
  readonly perShopperLimit?: number;
}

/** A gate and a ledger of the test's own, and items on sale in both. */
export class SaleWorld {
  private readonly positions = new Map<string, string>();

  private constructor(
    readonly redis: RedisServer,
    readonly database: TestDatabase,
    readonly clients: GateClients,
  ) {}

  static async start(): Promise<SaleWorld> {
    const redis = await startRedis();
    const database = await createDatabase();
    // Patient: what is tested here is not the time-out, and the machine may be busy.
    const config = gateConfig(redis.url, { FLUX_REDIS_COMMAND_TIMEOUT_MS: '10000' });
    return new SaleWorld(redis, database, await connectGate(config));
  }

  async openItem({ stock, gateStock = stock, perShopperLimit = 10 }: ItemOptions): Promise<ItemRef> {
    const [item] = await insertSale(this.database.dataSource, [{ stock, perShopperLimit }]);
    if (item === undefined) throw new Error('no item was made');
    await this.clients.gate.open(opening(item, { available: gateStock, perShopperLimit }));
    return item;
  }

  /**
   * Buys at the gate, all in one turn of the event loop; a number stands for that many shoppers.
   * @returns the outbox entries that this made
   * @throws where one is not accepted
   */
  async accept(item: ItemRef, purchases: number | readonly PurchaseOptions[]): Promise<OrdersAccepted[]> {
    const options =
      typeof purchases === 'number' ? Array.from({ length: purchases }, () => ({})) : [...purchases];
    const outcomes = await Promise.all(
      options.map((each) => this.clients.gate.reserve(purchase(item, each))),
    );
    const refused = outcomes.find(({ outcome }) => outcome !== 'accepted');
    if (refused !== undefined) throw new Error(`not accepted: ${refused.outcome}`);
    const events = await this.newEvents(item);
    return events.filter((event) => event.type === ORDERS_ACCEPTED_TYPE);
  }

  /**
   * Asks the gate to cancel an order, as its shopper.
   * @returns the outbox entry that this made
   * @throws where it is not requested
   */
  async cancel(
    item: ItemRef,
    { orderId, shopperId }: Pick<AcceptedOrder, 'orderId' | 'shopperId'>,
  ): Promise<CancelRequested> {
    const { outcome } = await this.clients.gate.cancel({ orderId, shopperId });
    if (outcome !== 'requested') throw new Error(`not requested: ${outcome}`);
    const event = (await this.newEvents(item)).at(-1);
    if (event === undefined || event.type === ORDERS_ACCEPTED_TYPE) throw new Error('there is no intent');
    return event;
  }

  /** What the gate has put into the item's outbox since this was asked last. */
  private async newEvents(item: ItemRef): Promise<ItemEvent[]> {
    const after = this.positions.get(item.productId) ?? '0-0';
    const entries = await this.clients.outboxes.read(item, { after, count: 10_000 });
    this.positions.set(item.productId, entries.at(-1)?.id ?? after);
    return entries.map((entry) => {
      if (entry.outcome === 'unreadable') throw new Error(entry.reason);
      return entry.event;
    });
  }

  /** What each shopper reads of the events' orders, in order. */
  async statuses(events: readonly ItemEvent[]): Promise<string[]> {
    return Promise.all(
      events.flatMap(orderIdsOf).map(async (orderId) => {
        const read = await this.clients.gate.readOrder(orderId);
        return read.outcome === 'order' ? read.order.status : read.outcome;
      }),
    );
  }

  async stop(): Promise<void> {
    this.clients.connection.close();
    await this.redis.remove();
    await this.database.drop();
  }
}

/** The message that a relay would have sent; `changes` spoil it. */
export function kafkaMessage(event: ItemEvent, changes: Partial<KafkaMessage> = {}): KafkaMessage {
  const { key, value, headers } = encodeItemEvent(event);
  return {
    topic: ORDERS_ACCEPTED_TOPIC,
    partition: 0,
    offset: BigInt(event.firstSequence),
    key,
    value: Buffer.from(value),
    headers,
    timestampMs: event.acceptedAtMs,
    ...changes,
  };
}

/** What a consumer hands to its handler. */
export function kafkaBatch(...messages: readonly (ItemEvent | KafkaMessage)[]): KafkaBatch {
  return {
    topic: ORDERS_ACCEPTED_TOPIC,
    partition: 0,
    messages: messages.map((message) => ('type' in message ? kafkaMessage(message) : message)),
  };
}
