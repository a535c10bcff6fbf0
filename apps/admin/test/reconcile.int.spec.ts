import type { ItemRef } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { LedgerEntity, StockChangeEntity } from '@flux/ledger';
import { waitUntil } from '@flux/testing';
import { GateRepairs } from '../src/reconcile/gate-repairs';
import type { AdminWorld } from './admin.world';
import { DriftWorld, HALF_DONE, OBSTACLES } from './drift.world';
import { insertOrder } from './order-fixtures';
import type { OrderLife } from './order-life';

jest.setTimeout(60_000);

let drift: DriftWorld;
let world: AdminWorld;
let life: OrderLife;

beforeAll(async () => {
  drift = await DriftWorld.start();
  world = drift.admin;
  life = drift.life;
});
afterEach(async () => {
  jest.restoreAllMocks();
  // What one test leaves is not for the next one.
  await world.dataSource.query("UPDATE sales SET state = 'retired'");
});
afterAll(() => drift.stop());

describe('a gate with units that the ledger does not have', () => {
  it('is lowered at once, orders on their way or not, and the audit log says so', async () => {
    const item = await world.openSale(10);
    await life.confirmed(item);
    await life.accepted(item);
    await drift.spoil(item, 4);
    const before = await drift.metric('gate_repairs_total', 'direction="lowered"');
    await drift.rounds(1);
    // The order on its way may have one of the four.
    expect(await drift.available(item)).toBe(9);
    expect(await drift.metric('gate_drift_units', 'direction="surplus"')).toBe(3);
    expect(await drift.metric('gate_repairs_total', 'direction="lowered"')).toBe(before + 1);
    await life.confirmed(item);
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(7);
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(7);
    expect(await drift.metric('gate_drift_units', 'direction="surplus"')).toBe(0);
    expect(await drift.auditsOf(item)).toEqual([
      {
        actor: 'system',
        before: { available: 12 },
        after: { available: 9, delta: -3, expected: 9, epoch: 1 },
      },
      {
        actor: 'system',
        before: { available: 8 },
        after: { available: 7, delta: -1, expected: 7, epoch: 1 },
      },
    ]);
  });

  it('keeps what shoppers take meanwhile', async () => {
    const item = await world.openSale(3);
    await drift.spoil(item, 4);
    drift.beforeRepair(() => life.accepted(item, { quantity: 6 }));
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(0);
    expect(await drift.repairsOf(item)).toEqual([{ state: 'applied', delta: -1 }]);
  });

  it('is an alarm when that goes on', async () => {
    const item = await world.openSale(3);
    for (const alarms of [0, 0, 1]) {
      await drift.spoil(item, 1);
      await drift.rounds(1);
      expect(await drift.metric('gate_drift_alarms', 'kind="surplus"')).toBe(alarms);
    }
    await drift.rounds(1);
    expect(await drift.metric('gate_drift_alarms', 'kind="surplus"')).toBe(0);
  });

  it('is told from one that sells, and commits, between the readings', async () => {
    const item = await world.openSale(10);
    await life.accepted(item);
    drift.around(item, 2, { after: () => life.confirmed(item) });
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(8);
    expect(await drift.repairsOf(item)).toEqual([]);
  });

  it('is told from one that gets units back between the readings', async () => {
    const item = await world.openSale(10);
    const orderIds = [await life.confirmed(item), await life.confirmed(item), await life.confirmed(item)];
    await life.accepted(item);
    drift.around(item, 3, { before: () => life.expired(...orderIds) });
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(9);
    expect(await drift.repairsOf(item)).toEqual([]);
  });
});

describe('a gate with too few units', () => {
  it('is raised when two rounds saw it at rest', async () => {
    const item = await world.openSale(10);
    await life.confirmed(item);
    await drift.spoil(item, -4);
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(5);
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(9);
    expect(await drift.metric('gate_drift_units', 'direction="deficit"')).toBe(4);
    await drift.rounds(2);
    expect(await drift.metric('gate_drift_units', 'direction="deficit"')).toBe(0);
    expect(await drift.auditsOf(item)).toEqual([
      { actor: 'system', before: { available: 5 }, after: { available: 9, delta: 4, expected: 9, epoch: 1 } },
    ]);
  });

  it('gets back the units of an order that the ledger refused for its shopper’s limit', async () => {
    const item = await world.openSale(20);
    await life.confirmed(item, { shopperId: 'ann', quantity: 10 });
    // The gate has forgotten what she has.
    await world.redis.client.hset(itemKeys(item).shoppers, 'ann', 0);
    const refused = await life.confirmed(item, { shopperId: 'ann', quantity: 3 });
    expect(await life.statusAtGate(refused)).toBe('rejected');
    expect(await drift.available(item)).toBe(7);
    await drift.rounds(2);
    expect(await drift.available(item)).toBe(10);
    expect(await drift.repairsOf(item)).toEqual([{ state: 'applied', delta: 3 }]);
  });

  it('is not raised over what happened since it was seen', async () => {
    const item = await world.openSale(10);
    await drift.spoil(item, -4);
    await drift.rounds(1);
    await life.confirmed(item);
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(5);
    drift.beforeRepair(() => world.changeStock(item, 2));
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(7);
    expect(await drift.repairsOf(item)).toEqual([]);
    await drift.rounds(2);
    expect(await drift.available(item)).toBe(11);
  });

  it('is raised once by two processes that saw the same', async () => {
    const item = await world.openSale(10);
    await drift.spoil(item, -4);
    const repairs = world.app.get(GateRepairs);
    const seen = { epoch: 1, sequence: 0, version: 1, available: 6, expected: 10 };
    await Promise.all([repairs.repair(item, seen), repairs.repair(item, seen)]);
    expect(await drift.available(item)).toBe(10);
    expect(await drift.repairsOf(item)).toEqual([{ state: 'applied', delta: 4 }]);
  });

  it.each(OBSTACLES)('is left alone while %s', async (obstacle) => {
    const item = await world.openSale(10);
    await drift.begin(obstacle, item);
    await drift.spoil(item, -2);
    await drift.rounds(4);
    expect(await drift.repairsOf(item)).toEqual([]);
    expect(await drift.metric('gate_drift_units', 'direction="deficit"')).toBe(0);
    await drift.end(obstacle, item);
    await drift.rounds(3);
    expect(await drift.repairsOf(item)).toEqual([{ state: 'applied', delta: 2 }]);
  });

  it('is an alarm when what explains it does not end', async () => {
    const item = await world.openSale(10);
    await world.dataSource.manager.insert(StockChangeEntity, { ...item, ...HALF_DONE });
    await drift.spoil(item, -2);
    await drift.rounds(11);
    expect(await drift.metric('gate_drift_alarms', 'kind="deficit"')).toBe(0);
    await drift.rounds(1);
    expect(await drift.metric('gate_drift_alarms', 'kind="deficit"')).toBe(1);
    expect(await drift.metric('gate_drift_units', 'direction="deficit"')).toBe(2);
    await world.dataSource.manager.delete(StockChangeEntity, { saleId: item.saleId });
    await drift.rounds(3);
    expect(await drift.metric('gate_drift_alarms', 'kind="deficit"')).toBe(0);
    expect(await drift.available(item)).toBe(10);
  });
});

describe('an item that is not the reconciler’s', () => {
  const cases: Readonly<Record<string, (item: ItemRef) => Promise<unknown>>> = {
    'is suspended at the gate': (item) => world.gate.suspend({ ...item, epoch: 1 }),
    'waits for its rebuild': ({ saleId }) =>
      world.dataSource.manager.update(LedgerEntity, { saleId }, { suspendedReason: 'Redis went back' }),
    'is of another epoch in the ledger': ({ saleId }) =>
      world.dataSource.manager.update(LedgerEntity, { saleId }, { epoch: 2 }),
    'is being rebuilt': async (item) => {
      await world.redis.client.hdel(itemKeys(item).item, 'watermark');
    },
    'has lost its gate': (item) => world.redis.client.del(itemKeys(item).item),
    'is ahead of the ledger': (item) => drift.setField(item, 'watermark', 5),
  };

  it.each(Object.entries(cases))('%s: it is left alone', async (_, make) => {
    for (const units of [3, -3]) {
      const item = await world.openSale(10);
      await make(item);
      await drift.spoil(item, units);
      await drift.rounds(3);
      expect(await drift.available(item)).toBe(10 + units);
      expect(await drift.repairsOf(item)).toEqual([]);
    }
  });

  it.each([3, -3])('gets a new epoch before its repair of %s units: nothing happens', async (units) => {
    const item = await world.openSale(10);
    await drift.spoil(item, units);
    if (units < 0) await drift.rounds(1);
    drift.beforeRepair(() => drift.setField(item, 'epoch', 2));
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(10 + units);
    expect(await drift.repairsOf(item)).toEqual([]);
    expect(await drift.auditsOf(item)).toEqual([]);
  });
});

describe('a repair that is cut short', () => {
  it('by a crash between the gate and the audit log is noted once, and not done again', async () => {
    const item = await world.openSale(10);
    await drift.spoil(item, -4);
    await drift.rounds(1);
    await world.dataSource.query(
      `CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a crash'; END $$`,
    );
    await world.dataSource.query(
      `CREATE TRIGGER crash BEFORE INSERT ON audit_log FOR EACH ROW WHEN (NEW.action = 'gate.repair')
       EXECUTE FUNCTION crash()`,
    );
    await expect(drift.rounds(1)).rejects.toThrow('a crash');
    expect(await drift.available(item)).toBe(10);
    expect(await drift.repairsOf(item)).toEqual([{ state: 'pending', delta: 4 }]);
    await world.dataSource.query('DROP TRIGGER crash ON audit_log');
    await world.dataSource.query('DROP FUNCTION crash');
    await life.confirmed(item);
    await drift.rounds(2);
    expect(await drift.available(item)).toBe(9);
    expect(await drift.repairsOf(item)).toEqual([{ state: 'applied', delta: 4 }]);
    expect(await drift.auditsOf(item)).toHaveLength(1);
  });

  it('by the end of Redis is done when it is back', async () => {
    const item = await world.openSale(10);
    await drift.spoil(item, 4);
    drift.beforeRepair(async () => {
      await world.redis.kill();
      await waitUntil('the gate is away', () => !world.gate.isReady());
    });
    await drift.rounds(1);
    expect(await drift.repairsOf(item)).toEqual([{ state: 'pending', delta: -4 }]);
    await expect(drift.rounds(1)).rejects.toThrow('unavailable');
    expect(await drift.auditsOf(item)).toEqual([]);
    await world.redis.restart();
    await waitUntil('the gate is back', () => world.gate.isReady());
    await drift.rounds(1);
    expect(await drift.available(item)).toBe(10);
    expect(await drift.auditsOf(item)).toHaveLength(1);
  });
});

describe('what no repair mends', () => {
  it('is an alarm: another limit at the gate', async () => {
    const item = await world.openSale(10);
    await drift.setField(item, 'limit', 11);
    await drift.rounds(1);
    expect(await drift.metric('gate_drift_alarms', 'kind="limit"')).toBe(1);
    await drift.setField(item, 'limit', 10);
    await drift.rounds(1);
    expect(await drift.metric('gate_drift_alarms', 'kind="limit"')).toBe(0);
  });

  it('is an alarm: counters that are not the sums of the orders, while it was counted', async () => {
    const item = await world.openSale(10);
    for (const state of ['confirmed', 'paid', 'parked', 'rejected', 'cancelled', 'expired'] as const) {
      await insertOrder(world.dataSource, item, { state });
    }
    await drift.rounds(1);
    expect(await drift.metric('gate_drift_alarms', 'kind="counters"')).toBe(0);
    const spoilt = await world.openSale(10);
    await insertOrder(world.dataSource, spoilt, { state: 'paid' });
    await world.dataSource.manager.update(LedgerEntity, { saleId: spoilt.saleId }, { sold: 2 });
    await drift.rounds(1);
    expect(await drift.metric('gate_drift_alarms', 'kind="counters"')).toBe(1);
  });
});
