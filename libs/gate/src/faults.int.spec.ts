import type { ItemRef } from '@flux/contracts';
import {
  connectGate,
  gateConfig,
  GateWorld,
  opening,
  prove,
  purchase,
  removeData,
  waitUntil,
} from '@flux/testing';
import type { Redis } from 'ioredis';
import { GateUnavailableError, itemKeys, type ReserveOutcome, type ReserveRequest } from './index';

const TIMEOUT_MS = 300;
let world: GateWorld;

beforeEach(async () => {
  world = await GateWorld.start({ FLUX_REDIS_COMMAND_TIMEOUT_MS: String(TIMEOUT_MS) });
});
afterEach(async () => {
  world.server.thaw();
  await world.end();
});

async function reserveAll(requests: readonly ReserveRequest[]): Promise<readonly ReserveOutcome[]> {
  return Promise.all(requests.map((request) => world.gate.reserve(request)));
}

/** Asks again, as a client would, until the gate decides. */
async function decided(request: ReserveRequest): Promise<ReserveOutcome> {
  return waitUntil('the gate decides', async () => {
    const outcome = await world.gate.reserve(request);
    return outcome.outcome === 'unknown' || outcome.outcome === 'unavailable' ? undefined : outcome;
  });
}

function requestsFor(item: ItemRef, count: number): readonly ReserveRequest[] {
  return Array.from({ length: count }, () => purchase(item));
}

describe('a Redis that does not answer', () => {
  it('gives every caller `unknown` in time, then refuses at once, and the keys later have one result', async () => {
    const item = await world.opened({ available: 100 });
    const requests = requestsFor(item, 70);
    world.server.freeze();
    const startedAt = performance.now();
    const outcomes = await reserveAll(requests);
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_MS + 200);
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));

    // Nothing piles up for a server that has stalled.
    const refusedAt = performance.now();
    expect(await world.gate.reserve(purchase(item))).toMatchObject({ outcome: 'unavailable' });
    expect(performance.now() - refusedAt).toBeLessThan(100);
    await expect(world.gate.readItem(item)).rejects.toThrow(GateUnavailableError);

    world.server.thaw();
    const results = await Promise.all(requests.map((request) => decided(request)));
    expect(results.every(({ outcome }) => outcome === 'replayed' || outcome === 'accepted')).toBe(true);
    expect(await world.itemNow(item)).toMatchObject({ available: 30, sequence: 70 });
  });

  it('is told apart from one that is gone: certainly no effect, and recovery by itself', async () => {
    const item = await world.opened();
    const accepted = await world.accepted(item);
    await world.server.kill();
    await waitUntil('the loss is noticed', () => !world.gate.isReady());
    const request = purchase(item);
    expect(await world.gate.reserve(request)).toMatchObject({ outcome: 'unavailable' });
    const lost = world.gate.readOrder(accepted.orderId);
    await expect(lost).rejects.toMatchObject({ name: 'GateUnavailableError', effect: 'none' });
    await world.restart(item);
    expect(await decided(request)).toMatchObject({ outcome: 'accepted' });
    expect(await world.gate.reserve(accepted)).toMatchObject({ outcome: 'replayed' });
  });

  it('has its connection broken once, however many calls it leaves without an answer', async () => {
    const { connection } = await connectGate(gateConfig(world.server.url));
    const { stream } = connection.client as Redis;
    const before = stream.listenerCount('close');
    world.server.freeze();
    for (let call = 0; call < 20; call += 1) connection.shardOf('any').abandon();
    expect(stream.listenerCount('close')).toBe(before + 1);

    world.server.thaw();
    await waitUntil('there is another connection', () => (connection.client as Redis).stream !== stream);
    await connection.whenReady();
    connection.close();
  });

  it('killed with calls in flight leaves no caller hanging, and one result a key', async () => {
    const item = await world.opened({ available: 100 });
    const requests = requestsFor(item, 10);
    const patient = await connectGate(gateConfig(world.server.url));
    world.server.freeze();
    const startedAt = performance.now();
    const pending = Promise.all(requests.map((request) => patient.gate.reserve(request)));
    // The calls are on their way, then the server dies: that is known long before the timeout.
    await new Promise((resolve) => setImmediate(resolve));
    await world.server.kill();
    expect(new Set((await pending).map(({ outcome }) => outcome))).toEqual(new Set(['unknown']));
    expect(performance.now() - startedAt).toBeLessThan(patient.connection.timeoutMs / 2);
    await world.restart(item);
    patient.connection.close();
    const results = await Promise.all(requests.map((request) => decided(request)));
    expect(new Set(results.map((result) => ('order' in result ? result.order.sequence : 0))).size).toBe(10);
    expect(await world.itemNow(item)).toMatchObject({ available: 90 });
  });
});

describe('a Redis that refuses', () => {
  it('for want of its scripts gets them again, unseen', async () => {
    const item = await world.opened({ available: 1_000 });
    const waves: Promise<readonly ReserveOutcome[]>[] = [];
    for (let wave = 0; wave < 10; wave += 1) {
      waves.push(reserveAll(requestsFor(item, 100)));
      await world.server.client.script('FLUSH');
    }
    const outcomes = (await Promise.all(waves)).flat();
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']));
    expect(await world.itemNow(item)).toMatchObject({ available: 0, sequence: 1_000 });
  });

  it('for want of memory has changed nothing, and settle frees what is in the way', async () => {
    const item = await world.opened();
    const accepted = await world.accepted(item);
    const before = await world.everything(item);
    await world.server.client.config('SET', 'maxmemory', 1);
    const outcome = await world.gate.reserve(purchase(item));
    expect(outcome).toMatchObject({
      outcome: 'unavailable',
      reason: expect.stringMatching(/^OOM/) as string,
    });
    const change = { ...item, epoch: 1, changeId: 'c', delta: -1 };
    await expect(world.gate.adjust(change)).rejects.toMatchObject({ effect: 'none' });
    expect(await world.everything(item)).toEqual(before);

    const { orderId, shopperId } = accepted;
    const states = [{ orderId, shopperId, status: 'rejected', quantity: 1, changedAtMs: 1 } as const];
    expect(await world.settle(item, { watermark: 1, watermarkOrderId: orderId, states })).toEqual({
      outcome: 'settled',
      trimmed: 1,
    });
    expect(await world.gate.readOrder(orderId)).toMatchObject({ order: { status: 'rejected' } });
    await world.server.client.config('SET', 'maxmemory', 0);
    expect(await decided(purchase(item))).toMatchObject({ outcome: 'accepted' });
  });

  it('an outbox of a foreign type, or one that is ahead, has changed nothing', async () => {
    for (const spoil of ['a foreign type', 'a higher id'] as const) {
      const item = await world.opened();
      const { outbox } = itemKeys(item);
      if (spoil === 'a foreign type') await world.server.client.set(outbox, 'foreign');
      else await world.server.client.xadd(outbox, '1-5', 'first', '1');
      const before = await world.everything(item);
      expect(await world.gate.reserve(purchase(item))).toMatchObject({ outcome: 'unavailable' });
      expect(await world.everything(item)).toEqual(before);
    }
  });

  it('while a foreign script runs is waited for no longer than the timeout', async () => {
    const item = await world.opened();
    await world.server.client.config('SET', 'busy-reply-threshold', 50);
    const request = purchase(item);
    const foreign = world.server.client.eval(
      "redis.call('SET','foreign','1') local from = redis.call('TIME') repeat local now = redis.call('TIME') until false",
      0,
    );
    foreign.catch(() => undefined);
    await waitUntil('the foreign script blocks the server', async () => {
      const { outcome } = await world.gate.reserve(request);
      return outcome === 'unavailable' || outcome === 'unknown';
    });
    await world.server.kill();
    await world.restart(item);
    expect(await decided(request)).toMatchObject({
      outcome: expect.stringMatching(/accepted|replayed/) as string,
    });
    expect(await world.itemNow(item)).toMatchObject({ available: 9 });
  });
});

describe('a Redis that forgets', () => {
  it('everything is not ready, and nothing is made anew', async () => {
    const item = await world.opened();
    const accepted = await world.accepted(item);
    await world.server.client.flushall();
    expect(await reserveAll([accepted, purchase(item)])).toEqual([
      { outcome: 'notReady' },
      { outcome: 'notReady' },
    ]);
    expect(await world.gate.readOrder(accepted.orderId)).toEqual({ outcome: 'notReady' });
    expect(await world.clients.catalogue.find(item.productId)).toEqual({ outcome: 'notReady' });
    expect(await world.settle(item, { watermark: 1, watermarkOrderId: accepted.orderId })).toEqual({
      outcome: 'gone',
    });
    expect(await world.server.client.dbsize()).toBe(0);
  });

  it('the last orders is found out by settle, and sells nothing more', async () => {
    const item = await world.opened();
    await world.accepted(item);
    const data = await world.server.copyData();
    const lost = await world.accepted(item);
    await world.server.restoreData(data);
    await removeData(data);
    const late = purchase(item);
    await waitUntil('the gate is back', () => world.gate.isReady());
    expect(await world.gate.reserve(late)).toEqual({ outcome: 'notReady' });
    // The order had not come to the ledger when the gate was proven.
    await prove(world.clients.connection, item);
    expect(await decided(late)).toMatchObject({ outcome: 'accepted', order: { sequence: 2 } });

    expect(await world.settle(item, { watermark: 2, watermarkOrderId: lost.orderId })).toEqual({
      outcome: 'rewound',
    });
    expect(await world.gate.reserve(purchase(item))).toEqual({ outcome: 'notReady' });
    expect(await world.outboxes.length(item)).toBe(2);
    expect(await world.gate.open(opening(item))).toEqual({ outcome: 'alreadyOpened', state: 'suspended' });
  });

  it('its run makes a relay start over from what is left', async () => {
    const item = await world.opened();
    const lease = { ...item, owner: 'relay', position: undefined };
    await world.accepted(item);
    await world.outboxes.lease(lease);
    expect(await world.outboxes.lease({ ...lease, position: '1-1' })).toEqual({
      outcome: 'held',
      position: '1-1',
    });
    await world.server.restart();
    await world.clients.connection.whenReady();
    const renewed = await waitUntil('the lease is renewed', () =>
      world.outboxes.lease({ ...lease, position: '1-1' }).catch(() => undefined),
    );
    expect(renewed).toEqual({ outcome: 'held', position: '0-0' });
  });
});
