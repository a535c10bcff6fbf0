import { type ItemRef, ORDERS_ACCEPTED_TOPIC, ORDERS_CONSUMER_GROUP } from '@flux/contracts';
import { type GateItem, itemKeys } from '@flux/gate';
import { ensureTopics } from '@flux/kafka';
import { LedgerEntity, OrderEntity, PaymentEntity, StockChangeEntity } from '@flux/ledger';
import { Metrics } from '@flux/telemetry';
import { commitOffsets, deleteTopics, kafkaBrokers, topicPrefix } from '@flux/testing';
import { Kafka } from 'kafkajs';
import { Reconciler } from '../src/reconcile/reconciler.service';
import { AdminWorld } from './admin.world';
import { insertOrder } from './order-fixtures';
import { OrderLife } from './order-life';

export const HALF_DONE = { id: 'half-done', delta: -1, reason: 'A count', actor: 'anna' } as const;

/** An admin process with Kafka, and what spoils a stock and shows what became of it. */
export class DriftWorld {
  private constructor(
    readonly admin: AdminWorld,
    readonly life: OrderLife,
    private readonly prefix: string,
  ) {}

  static async start(): Promise<DriftWorld> {
    const prefix = topicPrefix();
    const admin = await AdminWorld.start({
      settings: {
        KAFKA_BROKERS: kafkaBrokers(),
        FLUX_TOPIC_PREFIX: prefix,
        FLUX_KAFKA_REPLICATION: '1',
        FLUX_KAFKA_PARTITIONS: '1',
      },
    });
    const kafka = admin.app.get(Kafka);
    await ensureTopics({ kafka, settings: admin.config, topics: [ORDERS_ACCEPTED_TOPIC] });
    return new DriftWorld(admin, new OrderLife(admin), prefix);
  }

  async stop(): Promise<void> {
    await this.admin.stop();
    await deleteTopics(this.prefix);
  }

  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round += 1) await this.admin.app.get(Reconciler).reconcile();
  }

  async available({ saleId, productId }: ItemRef): Promise<number> {
    return Number(await this.admin.redis.client.get(itemKeys({ saleId, productId }).stock));
  }

  /** Units that come to the gate, or go, and nobody knows why. */
  async spoil(item: ItemRef, units: number): Promise<void> {
    await this.admin.redis.client.incrby(itemKeys(item).stock, units);
  }

  /** As if a script of foreign make had done it. */
  async setField(item: ItemRef, field: string, value: number): Promise<void> {
    await this.admin.redis.client.hset(itemKeys(item).item, field, value);
  }

  async repairsOf({ saleId }: ItemRef): Promise<unknown> {
    return this.admin.dataSource.query('SELECT state, delta FROM gate_repairs WHERE sale_id = $1', [saleId]);
  }

  async auditsOf({ saleId, productId }: ItemRef): Promise<unknown> {
    return this.admin.dataSource.query(
      `SELECT actor, before, after - 'repair' AS after FROM audit_log
       WHERE action = 'gate.repair' AND subject = $1 ORDER BY id`,
      [`${saleId}.${productId}`],
    );
  }

  async metric(name: string, label: string): Promise<number> {
    const { text } = await this.admin.app.get(Metrics).render();
    const line = text.split('\n').find((each) => each.startsWith(`flux_${name}{${label}`));
    return Number(line?.split(' ').at(-1));
  }

  /** Does something right before, or right after, the gate of this item is read for the n-th time. */
  around(
    item: ItemRef,
    nth: number,
    act: { readonly before?: () => Promise<unknown>; readonly after?: () => Promise<unknown> },
  ): void {
    const { gate } = this.admin;
    const read = gate.readItem.bind(gate);
    let readings = 0;
    jest.spyOn(gate, 'readItem').mockImplementation(async (ref): Promise<GateItem | undefined> => {
      const isTurn = ref.productId === item.productId && ++readings === nth;
      if (isTurn) await act.before?.();
      const found = await read(ref);
      if (isTurn) await act.after?.();
      return found;
    });
  }

  /** Does something right before the gate is asked for a repair, and asks it then. */
  beforeRepair(act: () => Promise<unknown>): void {
    const { gate } = this.admin;
    const repair = gate.repair.bind(gate);
    jest.spyOn(gate, 'repair').mockImplementationOnce(async (request) => {
      await act();
      return repair(request);
    });
  }

  /** What explains for a while that a gate has fewer units than the ledger has free. */
  async begin(obstacle: Obstacle, item: ItemRef): Promise<void> {
    const { manager } = this.admin.dataSource;
    const order = () => insertOrder(this.admin.dataSource, item, { state: 'expired' });
    const payment = { amountMinor: 1_999, currency: 'EUR' };
    switch (obstacle) {
      case 'an order waits in the outbox':
        await this.life.accepted(item);
        return;
      case 'the gate has not heard of an order’s end':
        await manager.update(OrderEntity, { orderId: (await order()).orderId }, { gateEpoch: 1 });
        return;
      case 'a stock change is half done':
        await manager.insert(StockChangeEntity, { ...item, ...HALF_DONE });
        return;
      case 'a late payment is half done': {
        const { orderId } = await order();
        await manager.insert(PaymentEntity, { ...payment, orderId, paymentId: 'pi_1', state: 'pending' });
        return;
      }
      case 'a payment has units to give back': {
        const { orderId } = await order();
        const refused = { ...payment, orderId, paymentId: 'pi_2', state: 'refund-due' } as const;
        await manager.insert(PaymentEntity, { ...refused, giveBackUnits: 0 });
        return;
      }
      case 'Kafka is not consumed':
        return this.send();
      case 'the outbox has lost an order':
        return this.setField(item, 'sequence', 1);
      case 'the orders processes are ahead of the gate':
        await manager.update(LedgerEntity, { saleId: item.saleId }, { watermark: 1 });
    }
  }

  async end(obstacle: Obstacle, item: ItemRef): Promise<void> {
    const { dataSource } = this.admin;
    const { saleId } = item;
    switch (obstacle) {
      case 'an order waits in the outbox':
        await this.life.confirmed(item);
        return;
      case 'the gate has not heard of an order’s end':
        await dataSource.manager.update(OrderEntity, { saleId }, { gateEpoch: null });
        return;
      case 'a stock change is half done':
        await dataSource.manager.delete(StockChangeEntity, { saleId });
        return;
      case 'a late payment is half done':
        await dataSource.query("UPDATE payments SET state = 'refund-due' WHERE state = 'pending'");
        return;
      case 'a payment has units to give back':
        await dataSource.query('UPDATE payments SET give_back_units = NULL');
        return;
      case 'Kafka is not consumed':
        return this.commit();
      case 'the outbox has lost an order':
        return this.setField(item, 'sequence', 0);
      case 'the orders processes are ahead of the gate':
        await dataSource.manager.update(LedgerEntity, { saleId }, { watermark: 0 });
    }
  }

  private async send(): Promise<void> {
    const producer = this.admin.app.get(Kafka).producer();
    await producer.connect();
    await producer.send({ topic: this.topic, messages: [{ key: 'p', value: 'an event' }] });
    await producer.disconnect();
  }

  /** As the orders processes do it. */
  private async commit(): Promise<void> {
    await commitOffsets(`${this.prefix}${ORDERS_CONSUMER_GROUP}`, this.topic, ['1']);
  }

  private get topic(): string {
    return `${this.prefix}${ORDERS_ACCEPTED_TOPIC}`;
  }
}

export const OBSTACLES = [
  'an order waits in the outbox',
  'the gate has not heard of an order’s end',
  'a stock change is half done',
  'a late payment is half done',
  'a payment has units to give back',
  'Kafka is not consumed',
  'the outbox has lost an order',
  'the orders processes are ahead of the gate',
] as const;
type Obstacle = (typeof OBSTACLES)[number];
