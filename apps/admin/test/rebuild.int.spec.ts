import type { ItemRef } from '@flux/contracts';
import { Catalogue, GateRebuild, Outboxes, RedisConnection } from '@flux/gate';
import { LedgerEntity, OrderEntity } from '@flux/ledger';
import { Metrics } from '@flux/telemetry';
import {
  acceptedEvent,
  closeAndBegin,
  prove,
  purchase,
  type PurchaseOptions,
  randomPassId,
  removeData,
  waitUntil,
} from '@flux/testing';
import { RebuildMaintenance } from '../src/rebuild/rebuild-maintenance.service';
import { Rebuilder } from '../src/rebuild/rebuilder.service';
import { RebuildWorld } from './rebuild-world';

jest.setTimeout(60_000);

let world: RebuildWorld;

beforeAll(async () => {
  world = await RebuildWorld.start();
});
afterEach(() => world.retireAll());
afterAll(() => world.stop());

const ANN = { shopperId: 'ann', key: 'the-key-of-ann-00', quantity: 2 } as const;
const BOB = { shopperId: 'bob', key: 'the-key-of-bob-00', quantity: 1 } as const;

/** What a shopper is told again; where a record came from is nobody's business. */
async function replay(item: ItemRef, options: PurchaseOptions): Promise<unknown> {
  const outcome = await world.admin.gate.reserve(purchase(item, options));
  return outcome.outcome === 'replayed' ? { ...outcome.order, sequence: undefined } : outcome;
}

async function sellOut(item: ItemRef): Promise<number> {
  for (let sold = 0; ; sold += 1) {
    const outcome = await world.admin.buy(item);
    if (outcome === 'soldOut') return sold;
    if (outcome !== 'accepted') throw new Error(outcome);
  }
}

/** Ann's and Bob's orders are confirmed: 7 of 10 units are left. */
async function soldItem(): Promise<ItemRef> {
  const item = await world.admin.openSale(10);
  for (const options of [ANN, BOB]) await world.life.confirmed(item, options);
  return item;
}

/** What every rebuild must lead to, however often it was cut off. */
async function expectWhole(item: ItemRef, available = 7): Promise<void> {
  const ledger = await world.ledgerOf(item);
  expect(ledger).toMatchObject({ suspendedReason: null, held: 3, initial: 10 });
  expect(await world.gateOf(item)).toMatchObject({ state: 'open', epoch: ledger.epoch, available });
  for (const { shopperId, quantity } of [ANN, BOB]) {
    expect(await world.countOf(item, shopperId)).toBe(String(quantity));
  }
  expect((await world.rebuildsOf(item)).filter(({ state }) => state === 'running')).toEqual([]);
}

describe('a gate whose data is gone', () => {
  it('is found and written anew: repeats are answered as before, and it sells on to the last unit', async () => {
    const item = await soldItem();
    const before = await Promise.all([replay(item, ANN), replay(item, BOB)]);
    await world.flush();
    expect(await world.admin.buy(item)).toBe('notReady');
    await world.round();

    await expectWhole(item);
    expect(await world.gateOf(item)).toMatchObject({ epoch: 2, sequence: 0, watermark: 0, outboxLength: 0 });
    expect(await Promise.all([replay(item, ANN), replay(item, BOB)])).toEqual(before);
    const reused = { ...purchase(item, ANN), fingerprint: purchase(item, { quantity: 1 }).fingerprint };
    expect(await world.admin.gate.reserve(reused)).toEqual({ outcome: 'reused' });
    expect(await world.admin.gate.reserve(purchase(item, { shopperId: 'ann', quantity: 9 }))).toMatchObject({
      outcome: 'shopperLimit',
    });
    expect(await sellOut(item)).toBe(7);
  });

  it('takes no pass again that a shopper had redeemed', async () => {
    const item = await world.admin.openSale(10);
    const passId = randomPassId();
    await world.life.confirmed(item, { passId });
    await world.flush();
    await world.rebuild(item);
    world.admin.gate.knowRoom(item.saleId, { since: 1, state: 'on' });
    const outcomeWith = async (id: string): Promise<string> =>
      (await world.admin.gate.reserve(purchase(item, { passId: id }))).outcome;
    expect(await outcomeWith(passId)).toBe('passUsed');
    expect(await outcomeWith(randomPassId())).toBe('accepted');
  });

  it('is led to again: catalogue, public record, list of outboxes', async () => {
    const item = await soldItem();
    await world.flush();
    await world.rebuild(item);
    const catalogue = world.admin.app.get(Catalogue);
    expect(await catalogue.find(item.productId)).toEqual({
      outcome: 'known',
      saleIds: [item.saleId],
      currentSaleId: item.saleId,
    });
    expect(await catalogue.sale(item.saleId)).toMatchObject({ state: 'open' });
    expect(await world.admin.app.get(Outboxes).list()).toContainEqual(item);
  });

  it.each(['stock', 'item'] as const)('loses no accepted order where only its %s is lost', async (key) => {
    const item = await soldItem();
    const orderId = await world.life.accepted(item, { quantity: 4 });
    await world.lose(item, key);
    expect(await world.admin.buy(item)).toBe('notReady');
    expect(await world.rebuild(item)).toMatchObject({
      outcome: 'rebuilt',
      epoch: 2,
      orders: 3,
      available: 3,
    });
    expect(await world.stateOf(orderId)).toBe('confirmed');
    expect(await world.life.statusAtGate(orderId)).toBe('confirmed');
    expect(await sellOut(item)).toBe(3);
    expect((await world.rebuildsOf(item))[0]).toMatchObject({ kind: 'lost', relayed: 1, unreadable: 0 });
  });

  it('says what was done, in the audit log, the history and the metrics', async () => {
    const item = await soldItem();
    await world.lose(item, 'stock');
    await world.round();
    const rows: unknown = await world.admin.dataSource.query(
      'SELECT actor, action, before, after FROM audit_log WHERE subject = $1 ORDER BY id DESC LIMIT 1',
      [`${item.saleId}.${item.productId}`],
    );
    const figures = { epoch: 2, orders: 2, available: 7 };
    expect(rows).toEqual([
      {
        actor: 'system',
        action: 'gate.rebuild',
        before: { epoch: 1 },
        after: { ...figures, reason: 'stock is missing' },
      },
    ]);
    const [rebuild] = await world.rebuildsOf(item);
    expect(rebuild).toMatchObject({ state: 'done', phase: 'open', attempts: 1, fromEpoch: 1, ...figures });
    const { text } = await world.admin.app.get(Metrics).render();
    expect(text).toMatch(/flux_rebuilds_total\{reason="lost",outcome="rebuilt",[^}]*\} [1-9]/);
    expect(text).toMatch(/flux_rebuild_seconds_count\{[^}]*\} [1-9]/);
    await world.round();
    expect((await world.admin.app.get(Metrics).render()).text).toMatch(/flux_gates_waiting\{[^}]*\} 0/);
  });
});

describe('other gates that cannot be trusted', () => {
  it('are rebuilt where the ledger has found that Redis went back', async () => {
    const item = await soldItem();
    const reason = 'the gate is behind the ledger';
    await world.admin.dataSource.manager.update(LedgerEntity, { ...item }, { suspendedReason: reason });
    await world.round();
    await expectWhole(item);
    expect((await world.rebuildsOf(item))[0]).toMatchObject({ kind: 'suspended', reason });
  });

  it('are rebuilt where they come back from before an earlier rebuild, and what they sold is refused', async () => {
    const item = await soldItem();
    const old = await world.admin.redis.copyData();
    await world.lose(item, 'stock');
    await world.rebuild(item);
    await world.admin.redis.restoreData(old);
    await removeData(old);
    await waitUntil('the gate is back', () => world.admin.gate.isReady());
    expect(await world.gateOf(item)).toMatchObject({ epoch: 1 });
    // As one that was never started anew: an old master that is master again.
    await prove(world.admin.app.get(RedisConnection), item);
    const late = await world.life.accepted(item, { quantity: 5 });
    expect(await world.rebuild(item)).toMatchObject({ outcome: 'rebuilt', epoch: 3, available: 7 });
    expect(await world.stateOf(late)).toBe('rejected');
    await expectWhole(item);
  });

  it('are left alone where they are sound', async () => {
    const item = await soldItem();
    await world.life.accepted(item);
    await world.round();
    expect(await world.rebuild(item)).toEqual({ outcome: 'notNeeded' });
    expect(await world.gateOf(item)).toMatchObject({ epoch: 1, sequence: 3 });
    expect(await world.rebuildsOf(item)).toEqual([]);
  });

  it.each([
    ['epoch', { epoch: 0 }],
    ['watermark', { watermark: 1 }],
  ])('raise an alarm and stay as they are where their %s is ahead: PostgreSQL went back', async (_, past) => {
    const item = await soldItem();
    const now = await world.ledgerOf(item);
    for (const suspendedReason of [null, 'an operator asked']) {
      await world.admin.dataSource.manager.update(LedgerEntity, { ...item }, { ...past, suspendedReason });
      expect(await world.rebuild(item)).toMatchObject({ outcome: 'replayFirst' });
      await world.round();
      const { text } = await world.admin.app.get(Metrics).render();
      expect(text).toMatch(/flux_gates_ahead_of_ledger\{[^}]*\} 1/);
    }
    expect(await world.gateOf(item)).toMatchObject({ epoch: 1, state: 'open', available: 7 });
    const { epoch, watermark } = now;
    await world.admin.dataSource.manager.update(
      LedgerEntity,
      { ...item },
      { epoch, watermark, suspendedReason: null },
    );
    await world.round();
    expect((await world.admin.app.get(Metrics).render()).text).toMatch(
      /flux_gates_ahead_of_ledger\{[^}]*\} 0/,
    );
  });
});

describe('the fence', () => {
  it('lies directly behind the last message that was applied: what an old master still accepts is refused', async () => {
    const item = await soldItem();
    await world.life.accepted(item, { quantity: 4 });
    await world.lose(item, 'item');
    await world.rebuild(item);
    const { epochOffset } = await world.ledgerOf(item);
    const zombie = acceptedEvent({ item, firstSequence: 50, orders: [{ shopperId: 'cat' }] });
    await world.send(zombie);
    const [order] = zombie.orders;
    await waitUntil('the zombie is judged', async () => (await world.stateOf(order!.orderId)) !== undefined);
    const row = await world.admin.dataSource.manager.findOneByOrFail(OrderEntity, {
      orderId: order!.orderId,
    });
    expect(row).toMatchObject({ state: 'rejected', reason: 'old-epoch' });
    expect(await world.endOffset()).toBe(BigInt(epochOffset!) + 2n);
    expect(await world.ledgerOf(item)).toMatchObject({ held: 7, epoch: 2 });
    expect(await sellOut(item)).toBe(3);
  });
});

describe('orders that are on their way', () => {
  it('are waited for, and counted only then; other items are rebuilt meanwhile', async () => {
    const [waiting, other] = [await soldItem(), await soldItem()];
    const events = acceptedEvent({ item: waiting, firstSequence: 3, orders: 3 });
    await world.flush();
    await world.stopOrders();
    await world.send(events);
    expect(await world.rebuild(waiting, { patienceMs: 0 })).toEqual({ outcome: 'waiting', behind: 1n });
    // Its messages come before those of the other item, too, where both share a partition.
    expect((await world.rebuildsOf(waiting))[0]).toMatchObject({ state: 'running', phase: 'waiting' });
    expect(await world.admin.buy(waiting)).toBe('notReady');
    expect((await world.ledgerOf(waiting)).epoch).toBe(1);

    await world.startOrders();
    expect(await world.rebuild(waiting)).toMatchObject({ outcome: 'rebuilt', orders: 5, available: 4 });
    expect((await world.ledgerOf(waiting)).held).toBe(6);
    expect(await sellOut(waiting)).toBe(4);
    expect(await world.rebuild(other)).toMatchObject({ outcome: 'rebuilt', available: 7 });
    expect((await world.rebuildsOf(waiting))[0]).toMatchObject({ attempts: 2 });
  });

  it('are sent again where Kafka has lost them', async () => {
    const item = await soldItem();
    const orderId = await world.life.accepted(item, { quantity: 2 });
    await world.lose(item, 'stock');
    await world.stopOrders();
    expect(await world.rebuild(item, { patienceMs: 0 })).toMatchObject({ outcome: 'waiting' });
    await world.skipMessages();
    await world.startOrders();
    expect(await world.rebuild(item)).toMatchObject({ outcome: 'rebuilt', available: 5 });
    expect(await world.stateOf(orderId)).toBe('confirmed');
    expect((await world.rebuildsOf(item))[0]).toMatchObject({ relayed: 2 });
  });

  it('are wishes to cancel, too; one that has lost its order is given up', async () => {
    const item = await soldItem();
    const kept = await world.life.accepted(item, { shopperId: 'cat' });
    const lost = await world.life.accepted(item, { shopperId: 'dan' });
    for (const [orderId, shopperId] of [
      [kept, 'cat'],
      [lost, 'dan'],
    ] as const) {
      expect(await world.admin.gate.cancel({ orderId, shopperId })).toMatchObject({ outcome: 'requested' });
    }
    await world.removeEntry(item, '1-4');
    await world.lose(item, 'stock');
    expect(await world.rebuild(item)).toMatchObject({ outcome: 'rebuilt', orders: 3, available: 7 });
    expect(await world.stateOf(kept)).toBe('cancelled');
    expect(await world.stateOf(lost)).toBeUndefined();
    expect((await world.rebuildsOf(item))[0]).toMatchObject({ unreadable: 1 });
  });

  it('hold nothing up where an entry is foreign, or the outbox is', async () => {
    const item = await soldItem();
    const orderId = await world.life.accepted(item);
    await world.addEntry(item, '1-9');
    await world.lose(item, 'stock');
    expect(await world.rebuild(item)).toMatchObject({ outcome: 'rebuilt', available: 6 });
    expect(await world.stateOf(orderId)).toBe('confirmed');
    expect((await world.rebuildsOf(item))[0]).toMatchObject({ unreadable: 1 });
    await world.spoil(item, 'outbox');
    expect(await world.rebuild(item)).toMatchObject({ outcome: 'rebuilt', epoch: 3, available: 6 });
  });
});

describe('a process that dies', () => {
  it.each(['closing', 'relaying', 'waiting', 'counting', 'writing', 'opening'] as const)(
    'on coming to %s leaves an item that sells nothing, and that the next attempt brings back',
    async (phase) => {
      const item = await soldItem();
      await world.flush();
      await world.crashAt(item, phase);
      expect(await world.admin.buy(item)).toBe('notReady');
      expect((await world.rebuildsOf(item))[0]).toMatchObject({
        state: 'running',
        lastFailure: 'Error: crashed',
      });
      expect(await world.rebuild(item)).toMatchObject({ outcome: 'rebuilt', orders: 2, available: 7 });
      await expectWhole(item);
      expect(await world.rebuildsOf(item)).toMatchObject([{ attempts: 2 }]);
    },
  );

  it('between two pages, or twice in a row, counts no shopper twice', async () => {
    const item = await soldItem();
    await world.lose(item, 'stock');
    for (const orders of [2, 0]) await world.crashAt(item, 'writing', (written) => written === orders);
    expect(await world.look(item)).toBe('item lacks sequence');
    expect(await world.rebuild(item)).toMatchObject({ outcome: 'rebuilt', epoch: 4 });
    await expectWhole(item);
  });

  it('after the old gate went and before the epoch was raised leaves no gate that is ahead', async () => {
    const item = await soldItem();
    await world.lose(item, 'stock');
    expect(await closeAndBegin(world.admin.app.get(GateRebuild), item)).toEqual({ outcome: 'begun' });
    expect(await world.rebuild(item)).toMatchObject({ outcome: 'rebuilt', epoch: 3 });
    await expectWhole(item);
  });

  it('after the gate was finished leaves nothing to do but to say so', async () => {
    const item = await soldItem();
    await world.lose(item, 'stock');
    await world.rebuild(item);
    await world.admin.dataSource.query(
      "UPDATE rebuilds SET state = 'running', phase = 'opening', done_at = NULL WHERE sale_id = $1",
      [item.saleId],
    );
    await world.round();
    await expectWhole(item);
    expect(await world.gateOf(item)).toMatchObject({ epoch: 2 });
  });
});

describe('several processes', () => {
  it('rebuild an item once', async () => {
    const second = await world.admin.addProcess();
    const item = await soldItem();
    await world.flush();
    const rounds = [world.admin.app, second].map((app) => app.get(RebuildMaintenance));
    await Promise.all([...rounds, ...rounds].map((round) => round.rebuildAll()));
    await expectWhole(item);
    expect(await world.gateOf(item)).toMatchObject({ epoch: 2 });
  });

  it('are told apart: one that works sees the other off, and one that lost its lock ends', async () => {
    const item = await soldItem();
    await world.lose(item, 'stock');
    const other = world.admin.app.get(Rebuilder);
    const seen: unknown[] = [];
    let lockIsLost = false;
    const first = world.rebuild(item, {
      onProgress: ({ phase }) => {
        if (phase === 'closing') void other.rebuild(item).then((outcome) => seen.push(outcome));
        if (phase !== 'waiting' || lockIsLost) return;
        lockIsLost = true;
        void world.endLocks();
      },
      patienceMs: 60_000,
    });
    await world.stopOrders();
    await expect(first).rejects.toThrow();
    await world.startOrders();
    expect(seen).toEqual([{ outcome: 'busy' }]);
    await world.rebuild(item);
    await expectWhole(item);
  });
});

describe('a server that is away', () => {
  it('is tried again: Redis', async () => {
    const item = await soldItem();
    await world.lose(item, 'stock');
    await world.admin.redis.kill();
    await waitUntil('the gate is away', () => !world.admin.gate.isReady());
    await expect(world.round()).rejects.toThrow('unavailable');
    await world.admin.redis.restart();
    await waitUntil('the gate is back', () => world.admin.gate.isReady());
    await world.round();
    await expectWhole(item);
  });
});
