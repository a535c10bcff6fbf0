import {
  connectGate,
  gateConfig,
  GateWorld,
  purchase,
  startRedis,
  TcpProxy,
  waitUntil,
  type GateClients,
  type RedisServer,
} from '@flux/testing';
import { GateUnavailableError } from './index';

/** A failed WAIT takes half of it and up to 100 ms more. */
const TIMEOUT_MS = 500;
/** For a busy machine to say it: what has no bound takes for ever. */
const GRACE_MS = 2_000;
const REPLICATED = {
  FLUX_DURABILITY: 'replicated',
  FLUX_REDIS_COMMAND_TIMEOUT_MS: String(TIMEOUT_MS),
} as const;

let world: GateWorld;
let replica: RedisServer;
/** Between the master and its replica. */
let link: TcpProxy;
/** Another process on the same master. */
let other: GateClients;

beforeAll(async () => {
  world = await GateWorld.start(REPLICATED, { 'repl-diskless-sync-delay': '0' });
  link = await TcpProxy.start({ host: '127.0.0.1', port: world.server.port });
  replica = await startRedis({ config: { replicaof: `127.0.0.1 ${link.port}` } });
  other = await connectGate(gateConfig(world.server.url, REPLICATED));
  await inStep();
});
// What a test left unanswered may have cost the connection.
beforeEach(async () => {
  await world.clients.connection.whenReady();
});
afterAll(async () => {
  other.connection.close();
  await link.stop();
  await replica.remove();
  await world.end();
});
afterEach(async () => {
  link.set('pass');
  await inStep();
});

/** The replica has all that the master has. */
async function inStep(): Promise<void> {
  await waitUntil('the replica is in step', async () => (await world.server.client.wait(1, 100)) === 1);
}

async function timesCalled(command: string): Promise<number> {
  const stats = await world.server.client.info('commandstats');
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

it('acknowledges what a replica has', async () => {
  const item = await world.opened();
  const order = await world.accepted(item);
  expect(await world.gate.reserve(order)).toMatchObject({ outcome: 'replayed' });
  expect(await world.gate.cancel(order)).toMatchObject({ outcome: 'requested' });
  expect(await world.gate.reserve(purchase(item, { quantity: 10 }))).toMatchObject({ outcome: 'soldOut' });
});

it('says that nobody knows what no replica has, by whichever connection it was written, and later has one result', async () => {
  const item = await world.opened();
  const known = await world.accepted(item);
  const order = purchase(item);
  link.set('hold');
  expect(await world.gate.reserve(order)).toEqual({ outcome: 'unknown' });
  // The order is there. To repeat its acceptance would be a promise that a failover breaks.
  expect(await other.gate.reserve(order)).toEqual({ outcome: 'unknown' });
  expect(await world.gate.reserve(order)).toEqual({ outcome: 'unknown' });
  await expect(world.gate.cancel(known)).rejects.toMatchObject({ effect: 'unknown' });
  await expect(other.gate.cancel(known)).rejects.toThrow(GateUnavailableError);
  // What promises nothing does not wait.
  expect(await world.gate.readOrder(known.orderId)).toMatchObject({ outcome: 'order' });

  link.set('pass');
  await inStep();
  expect(await other.gate.reserve(order)).toMatchObject({ outcome: 'replayed', order: { sequence: 2 } });
  // The wish had been noted each time.
  expect(await world.gate.cancel(known)).toMatchObject({ outcome: 'repeated' });
  expect(await world.itemNow(item)).toMatchObject({ available: 8 });
});

it('writes before it waits, also where nothing changes', async () => {
  // Since Redis 7.2 a WAIT covers no more than its own connection's last write.
  const item = await world.opened();
  const order = await world.accepted(item);
  const before = await timesCalled('hset');
  expect(await other.gate.reserve(order)).toMatchObject({ outcome: 'replayed' });
  expect((await timesCalled('hset')) - before).toBe(1);
});

it('answers in time while the replica is gone, and lets what waits share a WAIT', async () => {
  const item = await world.opened({ available: 1_000 });
  link.set('hold');
  const before = await timesCalled('wait');
  const startedAt = performance.now();
  const crowd: Promise<number>[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    crowd.push(
      world.gate.reserve(purchase(item)).then(({ outcome }) => {
        expect(['unknown', 'unavailable']).toContain(outcome);
        return performance.now() - startedAt;
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(Math.max(...(await Promise.all(crowd)))).toBeLessThan(TIMEOUT_MS + GRACE_MS);
  expect((await timesCalled('wait')) - before).toBeLessThanOrEqual(2);
  expect(world.gate.isReady()).toBe(true);
});

it('lets a master that is told to keep a replica refuse, which has no effect', async () => {
  const item = await world.opened();
  const failures: (string | undefined)[] = [];
  world.gate.observe({ onReserveCall: ({ failure }) => failures.push(failure) });
  const { client } = world.server;
  await client.config('SET', 'min-replicas-max-lag', '1');
  await client.config('SET', 'min-replicas-to-write', '1');
  link.set('hold');
  await waitUntil('the master notices', async () =>
    (await client.info('replication')).includes('min_slaves_good_slaves:0'),
  );
  expect(await world.gate.reserve(purchase(item))).toMatchObject({
    outcome: 'unavailable',
    reason: expect.stringMatching(/^NOREPLICAS/) as string,
  });
  expect(await world.itemNow(item)).toMatchObject({ available: 10 });
  await client.config('SET', 'min-replicas-to-write', '0');
  await world.gate.reserve(purchase(item));
  expect(failures).toEqual(['NOREPLICAS', 'no replica confirmed']);
});

it.each(['strict', 'fast'])('%s sends nothing beside the script', async (mode) => {
  const plain = await connectGate(gateConfig(world.server.url, { FLUX_DURABILITY: mode }));
  const item = await world.opened();
  await plain.gate.reserve(purchase(item));
  await world.server.client.config('RESETSTAT');
  const order = purchase(item);
  expect(await plain.gate.reserve(order)).toMatchObject({ outcome: 'accepted' });
  expect(await plain.gate.reserve(order)).toMatchObject({ outcome: 'replayed' });
  plain.connection.close();
  const called = [await timesCalled('evalsha'), await timesCalled('eval'), await timesCalled('wait')];
  expect(called).toEqual([2, 0, 0]);
});
