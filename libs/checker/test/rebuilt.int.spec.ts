import { audit, newWorld, offendersOf, refuted } from './audit-runs';
import { auditWith, rebuildGate, setRebuilt, zombieOrder } from './rebuilt-sale';
import type { AuditLineName } from '../src/audit-report';
import { AuditServers, type AuditWorld } from '@flux/testing';

jest.setTimeout(60_000);

let servers: AuditServers;

beforeAll(async () => {
  servers = await AuditServers.start();
});
afterAll(async () => {
  await servers.stop();
});

async function rebuiltWorld(): Promise<AuditWorld> {
  const world = await newWorld(servers);
  await rebuildGate(world, 2);
  return world;
}

describe('a sale whose gate was rebuilt', () => {
  test('is proved, once and again', async () => {
    const world = await rebuiltWorld();
    const report = await audit(world);
    expect(refuted(report)).toEqual([]);
    expect(report.verdict).toBe('proved');
    await rebuildGate(world, 3);
    expect((await audit(world)).verdict).toBe('proved');
  });

  test('need not know what its ledger refused of an older epoch since, nor its shopper', async () => {
    const world = await rebuiltWorld();
    const { orderId, history } = await zombieOrder(world);
    const report = await auditWith(world, history);
    expect(refuted(report)).toEqual([]);
    expect(report.verdict).toBe('proved');
    // Where a later rebuild wrote it, it must be right.
    const record = ['c', 0, 1, world.order(1).acceptedAtMs, world.order(1).fingerprint, 'A'.repeat(16), 1];
    await servers.redis.hset(world.keys.orders, orderId, record.join('|'));
    expect(refuted(await auditWith(world, history))).toEqual(['statuses']);
  });

  test('must know what its ledger refused for another reason', async () => {
    const world = await rebuiltWorld();
    const { orderId, history } = await zombieOrder(world, { reason: 'no-units' });
    const report = await auditWith(world, history);
    expect(refuted(report)).toEqual(['statuses', 'shoppers']);
    expect(offendersOf(report, 'statuses')).toEqual([`${orderId}: the gate does not know it`]);
  });

  test('may have had two orders with one sequence before, for that led to the rebuild; not since', async () => {
    const world = await newWorld(servers);
    await servers.sql('UPDATE orders SET sequence = 1 WHERE order_id = $1', world.order(2).orderId);
    expect(refuted(await audit(world))).toContain('sequences');
    await rebuildGate(world, 2);
    expect((await audit(world)).verdict).toBe('proved');
    for (const sequence of [1, 2]) {
      const { orderId } = world.order(sequence);
      await servers.sql('UPDATE orders SET epoch = 2 WHERE order_id = $1', orderId);
    }
    const offenders = offendersOf(await audit(world), 'sequences');
    expect(offenders.some((text) => text.includes('sequence 1 of epoch 2'))).toBe(true);
  });

  test('has units for what was refused for the limit before: they were counted', async () => {
    const world = await rebuiltWorld();
    const { orderId } = world.order(4);
    await servers.sql("UPDATE orders SET reason = 'shopper-limit' WHERE order_id = $1", orderId);
    expect((await audit(world)).verdict).toBe('proved');
    await servers.redis.decr(world.keys.stock);
    const [offender] = offendersOf(await audit(world), 'conservation');
    expect(offender).not.toContain('limit rejections');
  });
});

interface Fault {
  readonly fault: string;
  readonly lines: readonly AuditLineName[];
  readonly seed: (world: AuditWorld) => Promise<unknown>;
}

const FAULTS: readonly Fault[] = [
  {
    fault: 'a record that the rebuild left out',
    lines: ['statuses'],
    seed: (world) => servers.redis.hdel(world.keys.orders, world.order(2).orderId),
  },
  {
    fault: 'a record whose state is not written out',
    lines: ['statuses'],
    seed: (world) => setRebuilt(world, world.order(1), '-'),
  },
  {
    fault: 'a parked order whose state is not written out',
    lines: ['statuses'],
    seed: (world) => setRebuilt(world, world.order(5), '-'),
  },
  {
    fault: 'a record that kept its sequence of before',
    lines: ['sequences'],
    seed: (world) => world.setRecord(world.order(1), { state: 'c', sequence: 1 }),
  },
  {
    fault: 'a page that was counted twice',
    lines: ['shoppers'],
    seed: (world) => servers.redis.hincrby(world.keys.shoppers, 'ann', 2),
  },
  {
    fault: 'a shopper of an ended order who is not counted at 0',
    lines: ['shoppers'],
    seed: (world) => servers.redis.hdel(world.keys.shoppers, 'fay'),
  },
  {
    fault: 'a pass that the rebuild left out',
    lines: ['passes'],
    seed: (world) => servers.redis.srem(world.keys.passes, world.order(6).passId ?? ''),
  },
  {
    fault: 'a count of available units from before the last orders were applied',
    lines: ['conservation', 'gate-equals-ledger'],
    seed: (world) => servers.redis.incrby(world.keys.stock, 2),
  },
  {
    fault: 'a gate that stayed in the old epoch',
    lines: ['gate-equals-ledger', 'sequences'],
    seed: (world) => servers.redis.hset(world.keys.item, 'epoch', 1),
  },
  {
    fault: 'an old epoch that lives on in the ledger',
    lines: ['gate-equals-ledger'],
    seed: (world) =>
      servers.sql(
        `UPDATE ledger SET watermark = 10, watermark_order_id = $2 WHERE sale_id = $1 AND epoch = 2`,
        ...[world.saleId, world.order(6).orderId],
      ),
  },
  {
    fault: 'changes of the old epoch that the gate still has',
    lines: ['releases'],
    seed: (world) => servers.redis.hset(world.keys.changes, 'release:nobody', 1),
  },
];

test.each(FAULTS)('$fault is refuted', async ({ lines, seed }) => {
  const world = await rebuiltWorld();
  await seed(world);
  const report = await audit(world);
  for (const line of lines) expect(refuted(report)).toContain(line);
  expect(report.verdict).toBe('refuted');
});

test('a record without a sequence is refuted where no rebuild was', async () => {
  const world = await newWorld(servers);
  await setRebuilt(world, world.order(1));
  expect(refuted(await audit(world))).toEqual(['sequences']);
});

test.each([
  [
    'waits for its rebuild',
    (world: AuditWorld) =>
      servers.sql("UPDATE ledger SET suspended_reason = 'lost' WHERE product_id = $1", world.productId),
  ],
  [
    'its gate is being rebuilt',
    async (world: AuditWorld) => {
      await servers.redis.hset(world.keys.item, 'rebuilding', '');
      await servers.redis.hdel(world.keys.item, 'sequence', 'watermark');
    },
  ],
])('a sale that %s is not at rest', async (reason, seed) => {
  const world = await rebuiltWorld();
  await seed(world);
  const report = await audit(world);
  expect(report.verdict).toBe('not-at-rest');
  expect(offendersOf(report, 'at-rest')[0]).toContain(reason);
});
