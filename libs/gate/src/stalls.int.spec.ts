import {
  connectGate,
  gateConfig,
  GateWorld,
  opening,
  purchase,
  removeData,
  TcpProxy,
  waitUntil,
} from '@flux/testing';
import type { GateClient, ReserveOutcome, ReserveRequest } from './index';

const TIMEOUT_MS = 300;
/** For a busy machine to say it: what has no bound takes for ever. */
const GRACE_MS = 2_000;

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start({ FLUX_REDIS_COMMAND_TIMEOUT_MS: String(TIMEOUT_MS) });
});
afterAll(async () => {
  await world.end();
});

/** Asks again, as a client would, until the gate decides. */
async function decided(request: ReserveRequest): Promise<ReserveOutcome> {
  return waitUntil('the gate decides', async () => {
    const outcome = await world.gate.reserve(request);
    return outcome.outcome === 'unknown' || outcome.outcome === 'unavailable' ? undefined : outcome;
  });
}

/** The words of many at once, and how long the last one waited. */
async function answersTo(
  gate: GateClient,
  requests: readonly ReserveRequest[],
): Promise<{ readonly words: ReadonlySet<string>; readonly slowestMs: number }> {
  const startedAt = performance.now();
  const outcomes = await Promise.all(requests.map((request) => gate.reserve(request)));
  return {
    words: new Set(outcomes.map(({ outcome }) => outcome)),
    slowestMs: performance.now() - startedAt,
  };
}

/** Scripts that the server was given, taken or refused. */
async function scriptsGiven(): Promise<number> {
  const stats = await world.server.client.info('commandstats');
  const line = /cmdstat_evalsha:calls=(\d+).*?rejected_calls=(\d+)/.exec(stats);
  return Number(line?.[1] ?? 0) + Number(line?.[2] ?? 0);
}

it('a foreign script that has written and runs on: refused at once, each call sent once, then all goes on', async () => {
  const item = await world.opened();
  const { client } = world.server;
  await client.config('SET', 'busy-reply-threshold', 50);
  const before = await scriptsGiven();
  let isRunning = true;
  const foreign = client
    .eval(
      `redis.call('SET', 'foreign', '1') local from = redis.call('TIME')
       repeat local now = redis.call('TIME') until (now[1] - from[1]) * 1000 + (now[2] - from[2]) / 1000 > 1500`,
      0,
    )
    .finally(() => {
      isRunning = false;
    });
  const refused: string[] = [];
  let asked = 0;
  await waitUntil('the foreign script has ended', async () => {
    asked += 1;
    const startedAt = performance.now();
    const outcome = await world.gate.reserve(purchase(item));
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_MS + GRACE_MS);
    if (outcome.outcome === 'unavailable') refused.push(outcome.reason);
    return !isRunning;
  });
  await foreign;
  expect(refused.some((reason) => reason.startsWith('BUSY'))).toBe(true);
  expect((await scriptsGiven()) - before).toBeLessThanOrEqual(asked);
  expect(await decided(purchase(item))).toMatchObject({ outcome: 'accepted' });
});

it('a Redis that is told to hold writes back: nobody knows in time, and each key has one result later', async () => {
  const item = await world.opened({ available: 100 });
  const requests = Array.from({ length: 20 }, () => purchase(item));
  await world.server.client.call('CLIENT', 'PAUSE', 1_000, 'WRITE');
  const { words, slowestMs } = await answersTo(world.gate, requests);
  expect(words).toEqual(new Set(['unknown']));
  expect(slowestMs).toBeLessThan(TIMEOUT_MS + GRACE_MS);
  const results = await Promise.all(requests.map((request) => decided(request)));
  expect(new Set(results.map((result) => ('order' in result ? result.order.sequence : 0))).size).toBe(20);
  expect(await world.itemNow(item)).toMatchObject({ available: 80, sequence: 20 });
});

it('a slow line to Redis: calls are shared and answered; a choked one: nobody waits longer than the timeout', async () => {
  const proxy = await TcpProxy.start({ host: '127.0.0.1', port: world.server.port });
  const url = `redis://127.0.0.1:${proxy.port}`;
  const patient = await connectGate(gateConfig(url, { FLUX_REDIS_COMMAND_TIMEOUT_MS: '5000' }));
  const hasty = await connectGate(gateConfig(url, { FLUX_REDIS_COMMAND_TIMEOUT_MS: String(TIMEOUT_MS) }));
  const item = await world.opened({ available: 1_000 });
  proxy.slowDown({ latencyMs: 100, jitterMs: 100 });
  const crowd = Array.from({ length: 100 }, () => purchase(item));
  expect((await answersTo(patient.gate, crowd)).words).toEqual(new Set(['accepted']));

  proxy.slowDown({ bytesPerSecond: 10_000 });
  const more = Array.from({ length: 200 }, () => purchase(item));
  const { words, slowestMs } = await answersTo(hasty.gate, more);
  expect([...words].filter((word) => word !== 'unknown' && word !== 'unavailable')).toEqual([]);
  expect(slowestMs).toBeLessThan(TIMEOUT_MS + GRACE_MS);
  for (const { connection } of [patient, hasty]) connection.close();
  await proxy.stop();
  await Promise.all(more.map((request) => decided(request)));
  expect(await world.itemNow(item)).toMatchObject({ available: 700, sequence: 300 });
});

it('a master that was replaced and is master again: who saw its successor does not believe it', async () => {
  const item = await world.opened();
  const order = await world.accepted(item);
  const old = await world.server.copyData();
  // Its successor was rebuilt, in the next epoch.
  await world.server.client.flushall();
  await world.gate.open(opening(item, { epoch: 2, available: 9 }));
  const newer = await world.accepted(item);
  await world.server.restoreData(old);
  await removeData(old);
  await waitUntil('the old master is asked', () => world.gate.isReady());

  for (const request of [order, newer, purchase(item)]) {
    expect(await decided(request)).toEqual({ outcome: 'notReady' });
  }
  expect(await world.gate.readOrder(order.orderId)).toEqual({ outcome: 'notReady' });
  expect(await world.gate.cancel(order)).toEqual({ outcome: 'notReady' });
  // One that never heard of the successor believes it: what it accepts is of an older epoch, and the ledger refuses it.
  const newcomer = await connectGate(gateConfig(world.server.url));
  expect(await newcomer.gate.reserve(order)).toMatchObject({ outcome: 'replayed' });
  newcomer.connection.close();
});
