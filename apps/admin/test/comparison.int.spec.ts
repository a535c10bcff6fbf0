import { stat, truncate } from 'node:fs/promises';
import type { ItemEvent, ItemRef } from '@flux/contracts';
import { itemKeys, Outboxes } from '@flux/gate';
import { BatchTransaction, OrderEntity, Payments } from '@flux/ledger';
import { Metrics } from '@flux/telemetry';
import { purchase, waitUntil } from '@flux/testing';
import { GateComparison } from '../src/rebuild/gate-comparison.service';
import { GateProof } from '../src/rebuild/gate-proof.service';
import { RebuildWorld } from './rebuild-world';

jest.setTimeout(60_000);

let world: RebuildWorld;

beforeAll(async () => {
  world = await RebuildWorld.start();
});
afterEach(() => world.retireAll());
afterAll(() => world.stop());

/** One round of each part of the maintenance loop that looks after gates on a new server. */
async function compare(): Promise<void> {
  await world.admin.app.get(GateProof).proveAll();
  await world.admin.app.get(GateComparison).compareAll();
}

/** The power goes: nothing of what Redis was told meanwhile is on its disk. */
async function forgotten(work: () => Promise<void>): Promise<void> {
  const { redis, gate } = world.admin;
  const { size } = await stat(redis.appendOnlyFile);
  await work();
  await redis.kill();
  await truncate(redis.appendOnlyFile, size);
  await redis.restart();
  await waitUntil('the gate is back', () => gate.isReady());
}

async function paid(orderId: string): Promise<void> {
  const money = { paymentId: `pi_${orderId}`, amountMinor: 1_999, currency: 'EUR' };
  const { outcome } = await world.admin.app.get(Payments).pay({ orderId, ...money });
  if (outcome !== 'paid') throw new Error(outcome);
  await world.life.tellGate();
}

async function reasonOf(item: ItemRef): Promise<string | null> {
  return (await world.ledgerOf(item)).suspendedReason;
}

/** What the outbox of an item holds, as a relay reads it. */
async function outboxOf(item: ItemRef): Promise<readonly ItemEvent[]> {
  const entries = await world.admin.app.get(Outboxes).read(item, { after: '0-0', count: 100 });
  return entries.flatMap((entry) => (entry.outcome === 'event' ? [entry.event] : []));
}

async function unprovenGates(): Promise<string | undefined> {
  const { text } = await world.admin.app.get(Metrics).render();
  return /^flux_gates_unproven(?:\{.*\})? (\d+)$/m.exec(text)?.[1];
}

describe('a Redis that has forgotten a purchase', () => {
  it.each([
    ['all', 0],
    ['only the last', 1],
  ])(
    'that the ledger knows, %s of them, accepts none of their keys before it is rebuilt',
    async (_, from) => {
      const item = await world.admin.openSale(10);
      await world.life.confirmed(item);
      const [first, last] = [purchase(item), purchase(item)];
      const before = await outboxOf(item);
      await forgotten(async () => {
        for (const request of [first, last]) await world.admin.gate.reserve(request);
        const events = (await outboxOf(item)).slice(before.length + from);
        await world.admin.app.get(BatchTransaction).apply(events.map((event) => ({ event, offset: 0n })));
      });
      const isRefused = async () => {
        expect(await world.admin.gate.reserve(last)).toEqual({ outcome: 'notReady' });
        expect(await world.admin.gate.readOrder(last.orderId)).toEqual({ outcome: 'notReady' });
      };
      await isRefused();
      await compare();
      expect(await reasonOf(item)).toBe(
        'Redis went back in time: the gate is at 1, the ledger or Kafka knows 3',
      );
      await isRefused();
      await world.round();
      const replay = await world.admin.gate.reserve(last);
      const row = await world.admin.dataSource.manager.findOneByOrFail(OrderEntity, {
        orderId: last.orderId,
      });
      expect(replay).toMatchObject({
        outcome: 'replayed',
        order: { acceptedAtMs: row.acceptedAt.getTime() },
      });
    },
  );

  it('that is on its way to the ledger accepts its key no more: Kafka has it, and nobody need have applied it', async () => {
    const item = await world.admin.openSale(10);
    const request = purchase(item);
    await world.stopOrders();
    await forgotten(async () => {
      await world.admin.gate.reserve(request);
      await world.send(...(await outboxOf(item)));
    });
    expect(await world.admin.gate.reserve(request)).toEqual({ outcome: 'notReady' });
    await compare();
    expect(await reasonOf(item)).toBe(
      'Redis went back in time: the gate is at 0, the ledger or Kafka knows 1',
    );
    expect(await unprovenGates()).toBe('1');
    await world.startOrders();
    await world.rebuild(item);
    expect(await world.admin.gate.reserve(request)).toMatchObject({ outcome: 'replayed' });
    await compare();
    expect(await unprovenGates()).toBe('0');
  });

  it('of an earlier epoch, or of another item, has forgotten nothing of this one', async () => {
    const item = await world.admin.openSale(10);
    const other = await world.admin.openSale(10);
    await world.stopOrders();
    await world.life.accepted(item);
    await world.send(...(await outboxOf(item)));
    const [event] = await outboxOf(item);
    if (event === undefined) throw new Error('the outbox is empty');
    await world.send(
      { ...event, epoch: 7, firstSequence: 70 },
      { ...event, ...other, firstSequence: 80, epoch: 9 },
    );
    await world.admin.redis.restart();
    await waitUntil('the gate is back', () => world.admin.gate.isReady());
    await compare();
    expect([await reasonOf(item), await reasonOf(other), await unprovenGates()]).toEqual([null, null, '2']);
    for (const each of [item, other]) {
      expect(await world.admin.gate.reserve(purchase(each))).toMatchObject({ outcome: 'accepted' });
    }
    await world.skipMessages();
    await world.startOrders();
  });
});

describe('a Redis that has forgotten no purchase, but what became of one', () => {
  it.each([
    ['paid', 9, paid],
    ['expired', 10, (orderId: string) => world.life.expired(orderId)],
  ])('is found out: an order that is %s is so again after the rebuild', async (status, available, end) => {
    const item = await world.admin.openSale(10);
    const orderId = await world.life.confirmed(item);
    await forgotten(async () => {
      await end(orderId);
      expect(await world.life.statusAtGate(orderId)).toBe(status);
    });
    expect(await world.life.statusAtGate(orderId)).toBe('confirmed');

    await compare();
    expect(await reasonOf(item)).toBe(`the gate has forgotten what it was told of ${orderId}`);
    await world.round();
    expect(await world.life.statusAtGate(orderId)).toBe(status);
    expect(await world.gateOf(item)).toMatchObject({ epoch: 2, state: 'open', available });
    await compare();
    expect(await reasonOf(item)).toBeNull();
  });

  it('is found out where the gate has sold on since', async () => {
    const item = await world.admin.openSale(10);
    const orderId = await world.life.confirmed(item);
    await forgotten(() => paid(orderId));
    await world.admin.app.get(GateProof).proveAll();
    for (let sold = 0; sold < 3; sold += 1) await world.life.confirmed(item);
    await compare();
    expect(await reasonOf(item)).toContain(orderId);
  });
});

describe('a Redis that was started anew', () => {
  it('is proven, sells again, and is compared once, where it has forgotten nothing', async () => {
    const item = await world.admin.openSale(10);
    const [first] = [await world.life.confirmed(item), await world.life.accepted(item)];
    await paid(first);
    await world.admin.redis.restart();
    await waitUntil('the gate is back', () => world.admin.gate.isReady());
    const server = () => world.admin.redis.client.hget(itemKeys(item).item, 'server');
    const before = await server();
    expect(await world.admin.gate.reserve(purchase(item))).toEqual({ outcome: 'notReady' });
    await world.admin.app.get(GateProof).proveAll();
    expect(await server()).not.toBe(before);
    expect(await world.admin.gate.reserve(purchase(item))).toMatchObject({ outcome: 'accepted' });
    await compare();
    expect(await world.admin.redis.client.hget(itemKeys(item).item, 'compared')).toBe(await server());
    await compare();
    expect(await reasonOf(item)).toBeNull();
    expect(await world.gateOf(item)).toMatchObject({ epoch: 1, state: 'open', available: 7 });
  });

  it('has to know what it has been told, not what it is to be told yet', async () => {
    const item = await world.admin.openSale(10);
    const orderId = await world.life.confirmed(item);
    await forgotten(() => paid(orderId));
    await world.admin.dataSource.query('UPDATE orders SET gate_epoch = 1 WHERE order_id = $1', [orderId]);
    await compare();
    expect(await reasonOf(item)).toBeNull();
    await world.life.tellGate();
    expect(await world.life.statusAtGate(orderId)).toBe('paid');
  });

  it('is not vouched for before what it has forgotten is settled again', async () => {
    const item = await world.admin.openSale(10);
    const orderId = await world.life.accepted(item);
    await forgotten(async () => {
      await world.life.settleAll(item);
      await paid(orderId);
    });
    await compare();
    expect(await reasonOf(item)).toBeNull();
    const nothing = { statesAfter: -1, runs: [{ upTo: 1, atMs: Date.now() }], states: [] };
    const again = { ...item, epoch: 1, watermark: 1, watermarkOrderId: orderId, ...nothing };
    expect(await world.admin.gate.settle(again)).toMatchObject({ outcome: 'settled' });
    await compare();
    expect(await reasonOf(item)).toContain(orderId);
  });

  it('is not compared in an epoch that is not the ledger’s, nor where a rebuild is due already', async () => {
    const item = await world.admin.openSale(10);
    const orderId = await world.life.confirmed(item);
    await forgotten(() => paid(orderId));
    const reason = 'for a reason of its own';
    const { dataSource } = world.admin;
    await dataSource.query('UPDATE ledger SET suspended_reason = $1', [reason]);
    await compare();
    expect(await reasonOf(item)).toBe(reason);
    await dataSource.query('UPDATE ledger SET suspended_reason = NULL, epoch = 2');
    await compare();
    expect(await reasonOf(item)).toBeNull();
  });
});
