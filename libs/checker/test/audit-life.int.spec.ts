import { auditSale } from '../src/audit-sale';
import { audit, newWorld, offendersOf, refuted, unchecked } from './audit-runs';
import { AuditServers, type AuditWorld } from '@flux/testing';

jest.setTimeout(60_000);

let servers: AuditServers;

beforeAll(async () => {
  servers = await AuditServers.start();
});

afterAll(async () => {
  await servers.stop();
});

test('a hold that is there without its state, or missing, is named', async () => {
  const world = await newWorld(servers);
  const constraint = "CHECK ((hold_until IS NOT NULL) = (state = 'confirmed'))";
  const setHold = async (hold: string, sequence: number): Promise<void> => {
    const update = `UPDATE orders SET hold_until = ${hold} WHERE order_id = $1`;
    await servers.sql(update, world.order(sequence).orderId);
  };
  await servers.sql('ALTER TABLE orders DROP CONSTRAINT orders_hold');
  try {
    await setHold('NULL', 1);
    await setHold('now()', 3);
    const report = await audit(world);
    expect(refuted(report)).toEqual(['lives']);
    expect(new Set(offendersOf(report, 'lives'))).toEqual(
      new Set([
        `${world.order(1).orderId}: has no hold, and is confirmed`,
        `${world.order(3).orderId}: has a hold, and is paid`,
      ]),
    );
  } finally {
    await setHold('now()', 1);
    await setHold('NULL', 3);
    await servers.sql(`ALTER TABLE orders ADD CONSTRAINT orders_hold ${constraint}`);
  }
});

test('two payments that count for one order are named', async () => {
  const world = await newWorld(servers);
  const { orderId } = world.order(3);
  const index = 'UNIQUE INDEX payments_one_for_an_order ON payments (order_id)';
  await servers.sql('DROP INDEX payments_one_for_an_order');
  try {
    await servers.sql(
      `INSERT INTO payments (payment_id, order_id, amount_minor, currency, state) VALUES ($1, $2, 100, 'EUR', 'applied')`,
      ...[`twice-${world.saleId}`, orderId],
    );
    const report = await audit(world);
    expect(refuted(report)).toEqual(['payments']);
    expect(offendersOf(report, 'payments')[0]).toMatch(`${orderId}: 2 payments count for it`);
  } finally {
    await servers.sql('DELETE FROM payments WHERE payment_id = $1', `twice-${world.saleId}`);
    await servers.sql(`CREATE ${index} WHERE state = 'applied'`);
  }
});

test('money that a provider has given back by itself is no fault', async () => {
  const world = await newWorld(servers);
  await servers.sql(
    `INSERT INTO refunds (payment_id, order_id, amount_minor, currency, reason, state)
     VALUES ($1, $2, 100, 'EUR', 'a chargeback', 'done')`,
    ...[world.paymentOf(3), world.order(3).orderId],
  );
  expect((await audit(world)).verdict).toBe('proved');
});

test.each([
  { kind: 'paid', paymentId: 'wrong-amount', sequence: 1, what: 'took money that is not the price' },
  { kind: 'refundFailed', paymentId: undefined, sequence: 3, what: 'could not give money back' },
])('a refund is no fault where a provider $what', async ({ kind, paymentId, sequence }) => {
  const world = await newWorld(servers);
  const id = paymentId === undefined ? world.paymentOf(sequence) : `${paymentId}-${world.saleId}`;
  await servers.sql(
    `INSERT INTO refunds (payment_id, order_id, amount_minor, currency, reason) VALUES ($1, $2, 99, 'EUR', '')`,
    ...[id, world.order(sequence).orderId],
  );
  expect(refuted(await audit(world))).toEqual(['payments']);
  await servers.sql(
    `INSERT INTO provider_events (provider, event_id, type, content) VALUES ('demo', $1, '', $2)`,
    ...[`event-${id}`, JSON.stringify({ kind, paymentId: id })],
  );
  expect((await audit(world)).verdict).toBe('proved');
});

test('a wish to cancel whose message is put aside may be left undone', async () => {
  const world = await newWorld(servers);
  const order = world.order(7);
  const { partition, offset } = await world.send(JSON.stringify({ ...world.wish(order), firstSequence: 11 }));
  await servers.commitOffsets();
  await servers.sql(
    `INSERT INTO parked_messages (topic, partition, message_offset, headers, reason, sale_id, product_id)
     VALUES ($1, $2, $3, '{}', 'not JSON', $4, $5)`,
    ...[servers.topic, partition, offset, world.saleId, world.productId],
  );
  const update = 'UPDATE orders SET cancel_epoch = 1, cancel_sequence = 11 WHERE order_id = $1';
  await servers.sql(update, order.orderId);
  await world.setRecord(order, { state: '-', cancelSequence: 11 });
  expect((await audit(world)).verdict).toBe('proved');
});

test('a wish to cancel in the outbox is under way, not lost', async () => {
  const world = await newWorld(servers);
  const order = world.order(7);
  await world.setRecord(order, { state: '-', cancelSequence: 11 });
  const wish = [order.orderId, order.shopperId].join(' ');
  await servers.redis.xadd(world.keys.outbox, '1-11', 'first', 11, 'at', world.startedAtMs, 'cancel', wish);
  expect(refuted(await audit(world))).toEqual(['at-rest']);
});

describe('a forgotten shopper', () => {
  const pseudonym = (letter: string): string => `forgotten-${letter.repeat(22)}`;

  /** Ann's two orders under these names, in gate and ledger. */
  async function forgetAnn(names: readonly [string, string]): Promise<AuditWorld> {
    const world = await newWorld(servers);
    for (const [index, sequence] of [1, 7].entries()) {
      const order = { ...world.order(sequence), shopperId: names[index] ?? '' };
      await world.setRecord(order, { state: '-' });
      const update = 'UPDATE orders SET shopper_id = $2 WHERE order_id = $1';
      await servers.sql(update, order.orderId, order.shopperId);
    }
    await servers.redis.hdel(world.keys.shoppers, 'ann');
    for (const name of names) await servers.redis.hincrby(world.keys.shoppers, name, 1);
    return world;
  }

  test('keeps the accounts: Kafka and the clients still name her, and she is one person', async () => {
    const world = await forgetAnn([pseudonym('a'), pseudonym('a')]);
    const report = await audit(world);
    expect(refuted(report)).toEqual([]);
    expect(report.verdict).toBe('proved');
  });

  test('is named where she became two, or one of another kind', async () => {
    const two = await forgetAnn([pseudonym('a'), pseudonym('b')]);
    const lines = ['events-applied', 'statuses-published', 'clients-rows'];
    expect(refuted(await audit(two))).toEqual(lines);
    expect(refuted(await audit(await forgetAnn(['somebody', 'somebody'])))).toEqual(lines);
  });
});

test('without the topic of statuses nothing is said of them', async () => {
  const world = await newWorld(servers);
  const dependencies = { ...servers.dependencies, statusTopic: `${servers.statusTopic}.missing` };
  await world.publishLedger();
  const report = await auditSale(dependencies, { saleId: world.saleId, history: world.historyLines() });
  expect(report.verdict).toBe('proved');
  expect(unchecked(report)).toEqual(['statuses-published']);
  expect(await servers.admin.listTopics()).not.toContain(dependencies.statusTopic);
});

test('changes that Kafka no longer has are unchecked, and those that are left keep their order', async () => {
  const world = await newWorld(servers);
  const ends = await servers.admin.fetchTopicOffsets(servers.statusTopic);
  const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
  await servers.admin.deleteTopicRecords({ topic: servers.statusTopic, partitions });
  expect(unchecked(await audit(world))).toEqual(['statuses-published']);

  await world.sendStatuses(world.statusEvents(world.order(8)).slice(1).reverse());
  const report = await audit(world);
  expect(offendersOf(report, 'statuses-published')).toEqual([
    `${world.order(8).orderId}: published in the order paid, expired; it was expired, paid`,
  ]);
});
