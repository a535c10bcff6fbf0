import { AuditImpossible } from '../src/audit-impossible';
import { auditSale } from '../src/audit-sale';
import { audit, newWorld, offendersOf, refuted, unchecked } from './audit-runs';
import { AuditServers, AuditWorld } from '@flux/testing';

jest.setTimeout(60_000);

let servers: AuditServers;

beforeAll(async () => {
  servers = await AuditServers.start();
});

afterAll(async () => {
  await servers.stop();
});

test('a sound sale is proved, and every line is checked', async () => {
  const world = await newWorld(servers);
  const report = await audit(world);
  expect(refuted(report)).toEqual([]);
  expect(unchecked(report)).toEqual([]);
  expect(report.verdict).toBe('proved');
  expect(report.lines.filter(({ checked }) => checked === 0)).toEqual([]);
  expect(report.lines.find(({ name }) => name === 'conservation')?.numbers).toEqual({
    initial: 20,
    available: 12,
    unsettled: 0,
    held: 4,
    sold: 2,
    parked: 2,
  });
});

test('the missing check of the database is an oversell waiting to happen', async () => {
  const world = await newWorld(servers);
  await servers.sql('ALTER TABLE ledger DROP CONSTRAINT ledger_never_oversold');
  try {
    const report = await audit(world);
    expect(refuted(report)).toEqual(['no-oversell']);
    expect(offendersOf(report, 'no-oversell')[0]).toMatch(/^ledger: the check/);

    await servers.sql('UPDATE ledger SET held = 40 WHERE product_id = $1', world.productId);
    expect(offendersOf(await audit(world), 'no-oversell')[0]).toMatch(
      /: 44 units counted in the ledger of 20$/,
    );
    await servers.sql('UPDATE ledger SET held = 4 WHERE product_id = $1', world.productId);
  } finally {
    await servers.sql(
      'ALTER TABLE ledger ADD CONSTRAINT ledger_never_oversold CHECK (held + sold + parked <= initial)',
    );
  }
  expect((await audit(world)).verdict).toBe('proved');
});

test('an order that is in PostgreSQL twice is named', async () => {
  const world = await newWorld(servers);
  const { orderId } = world.order(4);
  await servers.sql('ALTER TABLE orders DROP CONSTRAINT orders_id CASCADE');
  try {
    await world.insertRow(world.order(4));
    const report = await audit(world);
    expect(refuted(report)).toEqual(['accepted-recorded']);
    expect(offendersOf(report, 'accepted-recorded')).toEqual([`${orderId}: two rows in PostgreSQL`]);
  } finally {
    await servers.sql('DELETE FROM orders WHERE order_id = $1', orderId);
    await servers.sql('ALTER TABLE orders ADD CONSTRAINT orders_id PRIMARY KEY (order_id)');
    const reference = 'FOREIGN KEY (order_id) REFERENCES orders (order_id)';
    await servers.sql(`ALTER TABLE payments ADD CONSTRAINT payments_order ${reference}`);
  }
});

test('a sale that keeps moving is not at rest, however sound', async () => {
  const world = await newWorld(servers);
  let step = 0;
  const mover = setInterval(() => {
    step += 1;
    void servers.sql(
      'UPDATE ledger SET suspended_reason = $2 WHERE sale_id = $1',
      world.saleId,
      String(step),
    );
  }, 20);
  try {
    const report = await audit(world);
    expect(report.verdict).toBe('not-at-rest');
    expect(offendersOf(report, 'at-rest')).toContain('the sale: its counters changed between two samples');
  } finally {
    clearInterval(mover);
  }
});

test('it waits until the sale has come to rest', async () => {
  const world = await newWorld(servers);
  await servers.commitOffsets(1);
  const auditing = audit(world, { waitForRestMs: 30_000 });
  await servers.commitOffsets();
  expect((await auditing).verdict).toBe('proved');
});

test('without a history the lines about clients are unchecked, and say why', async () => {
  const world = await newWorld(servers);
  await world.publishLedger();
  const report = await auditSale(servers.dependencies, { saleId: world.saleId });
  expect(report.verdict).toBe('proved');
  expect(unchecked(report).every((name) => name.startsWith('clients-'))).toBe(true);
  expect(unchecked(report)).toHaveLength(6);
  expect(report.lines.at(-1)?.reason).toBe('no history of the clients was given');
});

test('a history that was cut off claims nothing about orders it does not mention', async () => {
  const world = await newWorld(servers);
  const report = await audit(world, {
    history: world.historyLines(world.history.slice(0, 6), { end: false }),
  });
  expect(report.verdict).toBe('proved');
  expect(unchecked(report)).toEqual(['clients-asked']);
});

test('a history that lacks lines does not pass as complete', async () => {
  const world = await newWorld(servers);
  const report = await audit(world, { history: world.historyLines().slice(1) });
  expect(unchecked(report)).toEqual(['clients-asked']);
});

test('a history that cannot be read ends the audit', async () => {
  const world = await newWorld(servers);
  await expect(audit(world, { history: ['{"status":202}'] })).rejects.toThrow(AuditImpossible);
});

test('an unknown sale ends the audit', async () => {
  await expect(auditSale(servers.dependencies, { saleId: 'no-such-sale' })).rejects.toThrow(
    new AuditImpossible('there is no sale no-such-sale'),
  );
});

test('what a retired item no longer has is unchecked', async () => {
  const world = await newWorld(servers);
  const { keys, saleId } = world;
  await servers.redis.del(keys.item, keys.stock, keys.orders, keys.shoppers, keys.passes, keys.changes);
  await servers.sql('UPDATE sales SET retired_at = now() WHERE id = $1', saleId);
  const report = await audit(world);
  expect(report.verdict).toBe('proved');
  expect(unchecked(report)).toEqual([
    'conservation',
    'gate-equals-ledger',
    'accepted-recorded',
    'statuses',
    'shoppers',
    'passes',
    'releases',
  ]);
});

test('what Kafka no longer has is unchecked, also where a row is then known to nobody', async () => {
  const world = await newWorld(servers);
  const ends = await servers.admin.fetchTopicOffsets(servers.topic);
  const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
  await servers.admin.deleteTopicRecords({ topic: servers.topic, partitions });
  expect(unchecked(await audit(world))).toEqual(['events-applied']);

  await servers.redis.hdel(world.keys.orders, world.order(4).orderId);
  const report = await audit(world);
  expect(refuted(report)).toEqual(['statuses']);
  expect(unchecked(report)).toEqual(['events-applied', 'no-unexpected-orders']);
});

test('messages of an older sale that retention deleted hide nothing of a newer one', async () => {
  const ends = await servers.admin.fetchTopicOffsets(servers.topic);
  const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
  await servers.admin.deleteTopicRecords({ topic: servers.topic, partitions });
  const older = await newWorld(servers);
  await servers.sql('UPDATE items SET live = false WHERE sale_id = $1', older.saleId);
  const world = new AuditWorld(servers, { productId: older.productId, startedAtMs: Date.now() + 60_000 });
  await world.build();
  expect(unchecked(await audit(world))).toEqual([]);
});

test('a limit rejection whose units are not back at the gate is told apart', async () => {
  const world = await newWorld(servers);
  await servers.sql("UPDATE orders SET reason = 'shopper-limit' WHERE order_id = $1", world.order(4).orderId);
  await servers.redis.decr(world.keys.stock);
  const [offender] = offendersOf(await audit(world), 'conservation');
  expect(offender).toMatch(/1 of limit rejections are not back at the gate$/);
});

test('equal evidence gives an equal fingerprint, other evidence another', async () => {
  const world = await newWorld(servers);
  const [one, other] = [await audit(world), await audit(world)];
  expect(other.fingerprint).toBe(one.fingerprint);
  await world.setRecord(world.order(1), { state: 'x' });
  expect((await audit(world)).fingerprint).not.toBe(one.fingerprint);
});

test('more offenders than a report holds are counted', async () => {
  const world = await newWorld(servers);
  const strangers = Array.from({ length: 25 }, (_, index) => [`stranger-${index}`, 1] as const);
  await servers.redis.hset(world.keys.shoppers, Object.fromEntries(strangers));
  const line = (await audit(world)).lines.find(({ name }) => name === 'shoppers');
  expect(line?.offenders).toHaveLength(20);
  expect(line?.offendersTotal).toBe(25);
});
