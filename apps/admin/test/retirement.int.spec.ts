import { type ItemRef, ORDERS_ACCEPTED_TOPIC, ORDERS_CONSUMER_GROUP } from '@flux/contracts';
import { Catalogue, Outboxes, Refusals, itemKeys } from '@flux/gate';
import { ensureTopics } from '@flux/kafka';
import { LedgerEntity, OrderEntity, PaymentEntity, SaleEntity } from '@flux/ledger';
import { commitOffsets, deleteTopics, kafkaBrokers, purchase, topicPrefix } from '@flux/testing';
import { roomKeys } from '@flux/waiting-room';
import { Kafka } from 'kafkajs';
import { StockChangeStart } from '../src/stock/stock-change-start';
import { AdminWorld, codeOf } from './admin.world';
import { insertOrder } from './order-fixtures';

jest.setTimeout(60_000);

const DAY_MS = 24 * 3_600_000;

describe('with Kafka', () => {
  const prefix = topicPrefix();
  const topic = `${prefix}${ORDERS_ACCEPTED_TOPIC}`;
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start({
      settings: {
        KAFKA_BROKERS: kafkaBrokers(),
        FLUX_TOPIC_PREFIX: prefix,
        FLUX_KAFKA_REPLICATION: '1',
        FLUX_KAFKA_PARTITIONS: '1',
      },
    });
    const kafka = world.app.get(Kafka);
    await ensureTopics({ kafka, settings: world.config, topics: [ORDERS_ACCEPTED_TOPIC] });
  });
  afterAll(async () => {
    await world.stop();
    await deleteTopics(prefix);
  });

  async function send(): Promise<void> {
    const producer = world.app.get(Kafka).producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ key: 'p', value: 'an event' }] });
    await producer.disconnect();
  }

  /** As the orders processes do it: the group has come up to here. */
  async function commit(offset: string): Promise<void> {
    await commitOffsets(`${prefix}${ORDERS_CONSUMER_GROUP}`, topic, [offset]);
  }

  /** Accepted, then settled as rejected by the ledger: nothing is held. */
  async function sellAndSettle(item: ItemRef): Promise<() => Promise<void>> {
    const request = purchase(item);
    expect((await world.gate.reserve(request)).outcome).toBe('accepted');
    const { orderId, shopperId } = request;
    return async () => {
      const settled = await world.gate.settle({
        ...item,
        epoch: 1,
        watermark: 1,
        watermarkOrderId: orderId,
        runs: [{ upTo: 1, atMs: Date.now() }],
        states: [{ orderId, shopperId, status: 'rejected', quantity: 1, changedAtMs: Date.now() }],
      });
      expect(settled.outcome).toBe('settled');
    };
  }

  async function stateAfterRound(item: ItemRef): Promise<string> {
    await world.maintenance.complete();
    await world.maintenance.retire();
    return (await world.readSale(item)).state;
  }

  it('retires a sale when it is closed, settled, read and has nothing held or parked', async () => {
    const item = await world.openSale(3);
    const settle = await sellAndSettle(item);
    expect(await stateAfterRound(item)).toBe('open');
    await world.act(item, 'close');
    expect(await stateAfterRound(item)).toBe('closed');
    await send();
    await settle();
    expect(await stateAfterRound(item)).toBe('closed');
    await send();
    // Up to where the topic ended when the sale was done; what came later is other sales'.
    await commit('1');
    for (const counter of ['held', 'parked'] as const) {
      await world.dataSource.manager.update(LedgerEntity, { ...item }, { [counter]: 1 });
      expect(await stateAfterRound(item)).toBe('closed');
      await world.dataSource.manager.update(LedgerEntity, { ...item }, { [counter]: 0 });
    }
    expect(await stateAfterRound(item)).toBe('retired');

    const { closesAt } = await world.readSale(item);
    const { item: hash, stock, shoppers, orders, current } = itemKeys(item);
    for (const key of [hash, stock, shoppers, orders, current]) {
      const endsAtMs = await world.redis.client.pexpiretime(key);
      expect([key, endsAtMs >= Date.parse(closesAt) + DAY_MS]).toEqual([key, true]);
    }
    const room = roomKeys(item.saleId);
    const published = JSON.parse((await world.redis.client.get(room.config)) ?? '') as {
      readonly salt: string;
    };
    const { roomSalt } = await world.dataSource.manager.findOneByOrFail(SaleEntity, { id: item.saleId });
    expect(roomSalt).not.toBe(published.salt);
    for (const key of [room.state, room.config]) {
      const endsAtMs = await world.redis.client.pexpiretime(key);
      expect([key, endsAtMs >= Date.parse(closesAt) + DAY_MS]).toEqual([key, true]);
    }
    expect(await world.app.get(Outboxes).list()).not.toContainEqual(item);
    expect((await world.app.get(Catalogue).sale(item.saleId))?.state).toBe('retired');
    await world.maintenance.complete();
    expect(await world.app.get(Outboxes).list()).not.toContainEqual(item);
    for (const action of ['open', 'pause', 'resume', 'close']) {
      expect(codeOf(await world.act(item, action))).toBe('invalid-transition');
    }
    const rows: unknown = await world.dataSource.query(
      "SELECT actor, before, after FROM audit_log WHERE subject = $1 AND action = 'sale.retire'",
      [item.saleId],
    );
    expect(rows).toEqual([{ actor: 'system', before: { state: 'closed' }, after: { state: 'retired' } }]);

    await world.redis.client.del(hash, stock, shoppers, orders, current);
    expect((await world.readItem(item)).gate).toEqual({ status: 'ended' });
  });

  it('keeps a sale whose gate has to be told, or with a payment that is not finished', async () => {
    const item = await world.openSale(3);
    const other = await world.openSale(3);
    await commit('2');
    await world.act(item, 'close');
    const { orderId } = await insertOrder(world.dataSource, item, { state: 'expired' });
    const { manager } = world.dataSource;
    const payment = { paymentId: 'pi_1', orderId, amountMinor: 1_999, currency: 'EUR' };
    await manager.insert(PaymentEntity, { ...payment, state: 'refund-due' });
    for (const [unfinished, finished] of [
      [
        () => manager.update(OrderEntity, { orderId }, { gateEpoch: 1, gateUnits: 1 }),
        () => manager.update(OrderEntity, { orderId }, { gateEpoch: null, gateUnits: 0 }),
      ],
      [
        () => manager.update(PaymentEntity, { orderId }, { state: 'pending', epoch: 1 }),
        () => manager.update(PaymentEntity, { orderId }, { state: 'refund-due' }),
      ],
      [
        () => manager.update(PaymentEntity, { orderId }, { giveBackUnits: 0 }),
        () => manager.update(PaymentEntity, { orderId }, { giveBackUnits: null }),
      ],
    ] as const) {
      await unfinished();
      await world.maintenance.retire();
      expect((await world.readSale(item)).state).toBe('closed');
      await finished();
    }
    await world.maintenance.retire();
    expect((await world.readSale(item)).state).toBe('retired');
    expect((await world.readSale(other)).state).toBe('open');
  });

  it('keeps the refusals of a sale that leaves Redis', async () => {
    const item = await world.openSale(3);
    const refusals = world.app.get(Refusals);
    await refusals.add(item.saleId, { 'sold-out': 41, 'shopper-limit': 2 });
    await commit('2');
    await world.act(item, 'close');
    expect(await stateAfterRound(item)).toBe('retired');
    const sale = await world.dataSource.manager.findOneByOrFail(SaleEntity, { id: item.saleId });
    expect(sale.refusals).toEqual({ 'sold-out': 41, 'shopper-limit': 2 });
    expect(await refusals.read(item.saleId)).toEqual({});
  });

  it('keeps a sale with a stock change half done, and one whose gate was lost', async () => {
    const [changed, lost] = [await world.openSale(), await world.openSale()];
    await commit('2');
    await world.act(changed, 'close');
    await world.act(lost, 'close');
    const change = { ...changed, id: 'half-done', delta: 1, reason: 'A count', actor: 'anna' };
    await world.app.get(StockChangeStart).start(change);
    await world.redis.client.del(itemKeys(lost).item);
    await world.maintenance.retire();
    expect((await world.readSale(changed)).state).toBe('closed');
    expect((await world.readSale(lost)).state).toBe('closed');
    expect(await stateAfterRound(changed)).toBe('retired');
    expect(await stateAfterRound(lost)).toBe('closed');
  });

  it('retires a sale that was never opened', async () => {
    const item = await world.createSale();
    await world.act(item, 'close');
    expect(await stateAfterRound(item)).toBe('retired');
    expect((await world.readItem(item)).gate).toEqual({ status: 'notOpened' });
  });

  it('audits a sale: proved, and refuted when the accounts are spoiled', async () => {
    const item = await world.openSale(4);
    await world.publish();
    const proved = await world.act(item, 'audit');
    expect([proved.status, proved.body]).toMatchObject([200, { saleId: item.saleId, verdict: 'proved' }]);
    await world.redis.client.incrby(itemKeys(item).stock, 1);
    expect((await world.act(item, 'audit')).body).toMatchObject({ verdict: 'refuted' });
  });
});

describe('without Kafka', () => {
  it('an audit answers 503, and everything else goes on', async () => {
    const world = await AdminWorld.start();
    try {
      const item = await world.openSale();
      expect((await world.act(item, 'close')).status).toBe(200);
      const [answer, round] = await Promise.allSettled([
        world.act(item, 'audit'),
        world.maintenance.retire(),
      ]);
      const problem = answer.status === 'fulfilled' ? [answer.value.status, codeOf(answer.value)] : [];
      expect(problem).toEqual([503, 'temporarily-unavailable']);
      expect(round.status).toBe('rejected');
      expect((await world.readSale(item)).state).toBe('closed');
    } finally {
      await world.stop();
    }
  });
});
