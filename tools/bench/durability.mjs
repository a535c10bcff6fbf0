import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

import { findProcess, sendSignal, startDetached, stopProcess } from '../stack/processes.mjs';
import { findRedis } from '../stack/programs.mjs';
import { probeRedis } from '../stack/redis-probe.mjs';
import { SetUpError, pause } from '../stack/run.mjs';
import { freePorts } from './free-ports.mjs';
import { GateDriver } from './gate/gate-driver.mjs';
import { percentile } from './result.mjs';

const ORDERS = 20_000;
const SMOKE_ORDERS = 200;
/** Who ask at the same time, each again when answered: a busy gateway. */
const SHOPPERS = 128;
const START_MS = 30_000;
const STOP_MS = 10_000;

/** What each mode asks of its Redis. */
const MODES = /** @type {const} */ ([
  { mode: 'strict', appendfsync: 'always', replicas: 0 },
  { mode: 'replicated', appendfsync: 'always', replicas: 1 },
  { mode: 'fast', appendfsync: 'everysec', replicas: 0 },
]);

/**
 * What each durability mode costs: purchases that one gate client gets accepted, in a closed loop, on a Redis as the
 * mode wants it, and how long each waits. No HTTP, relay or ledger: the same in all modes.
 *
 * @param {{ smoke?: boolean, orders?: number }} options
 * @returns {import('./bench.mjs').Bench}
 *
 * @typedef {{ identity: import('../stack/processes.mjs').Identity, pidFile: string }} Server
 * @typedef {{ mode: string, driver: GateDriver, redis: import('ioredis').Redis, servers: Server[] }} Place
 */
export function durability({ smoke = false, orders = smoke ? SMOKE_ORDERS : ORDERS }) {
  /** @type {Place[]} */
  const places = [];
  const kill = () => {
    for (const { identity, pidFile } of places.flatMap(({ servers }) => servers)) {
      const pid = findProcess(identity, pidFile);
      if (pid !== undefined) sendSignal(pid, 'SIGKILL');
    }
  };
  process.once('exit', kill);
  return {
    name: 'durability',
    rounds: 7,
    bars: [],
    prepare: async (system) => {
      // They would share the cores.
      for (const app of ['gateway', 'relay', 'orders', 'admin']) await system.stopApp(app);
      for (const mode of MODES) places.push(await placeOf(mode, join(system.folder, 'durability')));
      for (const place of places) await buy(place, Math.ceil(orders / 2));
    },
    round: async (_system, log, round) => {
      const measured = new Map();
      // Another one goes first in each round.
      for (const [index] of places.entries()) {
        const place = /** @type {Place} */ (places[(index + round) % places.length]);
        log(`  ${place.mode}`);
        measured.set(place.mode, await buy(place, orders));
      }
      const strict = measured.get('strict');
      return places.flatMap(({ mode }) => {
        const { perSecond, waitsMs } = measured.get(mode);
        return [
          { metric: `${mode}, accepted`, unit: '/s', value: perSecond },
          { metric: `${mode} / strict`, unit: '', value: perSecond / strict.perSecond },
          { metric: `${mode}, p50`, unit: 'ms', value: percentile(waitsMs, 0.5) },
          { metric: `${mode}, p99`, unit: 'ms', value: percentile(waitsMs, 0.99) },
        ];
      });
    },
    finish: async (system) => {
      for (const { driver, redis, servers } of places.splice(0)) {
        await driver.stop();
        redis.disconnect();
        for (const server of servers)
          await stopProcess({ ...server, signal: 'SIGTERM', patienceMs: STOP_MS });
      }
      process.removeListener('exit', kill);
      for (const app of /** @type {const} */ (['admin', 'gateway', 'relay', 'orders']))
        await system.startApp(app);
    },
  };
}

/** @param {Place} place @param {number} orders @returns {Promise<{ perSecond: number, waitsMs: number[] }>} */
async function buy({ driver }, orders) {
  const item = driver.newItem();
  await driver.open(item, { stock: orders });
  const waiting = driver.purchases(item, orders);
  /** @type {number[]} */
  const waitsMs = [];
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: Math.min(SHOPPERS, orders) }, async () => {
      for (let purchase = waiting.pop(); purchase; purchase = waiting.pop()) {
        const askedAt = performance.now();
        await driver.reserve(purchase, 'accepted');
        waitsMs.push(performance.now() - askedAt);
      }
    }),
  );
  const perSecond = orders / ((performance.now() - startedAt) / 1_000);
  await driver.remove(item);
  return { perSecond, waitsMs };
}

/** @param {(typeof MODES)[number]} mode @param {string} folder @returns {Promise<Place>} */
async function placeOf({ mode, appendfsync, replicas }, folder) {
  const { Redis } = createRequire(import.meta.url)('ioredis');
  const ports = await freePorts(1 + replicas);
  const servers = [];
  for (const [index, port] of ports.entries()) {
    const extra = index === 0 ? [] : [`replicaof 127.0.0.1 ${ports[0]}`];
    servers.push(await startRedis({ folder: join(folder, `${mode}-${index}`), port, appendfsync, extra }));
  }
  const redisUrl = `redis://127.0.0.1:${ports[0]}`;
  const redis = new Redis(redisUrl);
  await untilTrue(
    `the replica of ${mode} is in step`,
    async () => (await redis.wait(replicas, 100)) >= replicas,
  );
  const driver = new GateDriver({ redisUrl, redis, settings: { FLUX_DURABILITY: mode } });
  await driver.start();
  return { mode, driver, redis, servers };
}

/**
 * @param {{ folder: string, port: number, appendfsync: string, extra: string[] }} options
 * @returns {Promise<Server>}
 */
async function startRedis({ folder, port, appendfsync, extra }) {
  const file = await findRedis();
  if (!file) throw new SetUpError('there is no redis-server of version 7 or newer on this machine');
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'redis.conf');
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir "${folder}"`,
    // The process is recognised by its arguments, which a title would replace.
    'set-proc-title no',
    'appendonly yes',
    `appendfsync ${appendfsync}`,
    'auto-aof-rewrite-percentage 0',
    'maxmemory-policy noeviction',
    'save ""',
    'repl-diskless-sync-delay 0',
    ...extra,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const [pidFile, logFile] = [join(folder, 'redis.pid'), join(folder, 'redis.log')];
  await startDetached({ file, args: [config], logFile, pidFile });
  const url = `redis://127.0.0.1:${port}`;
  await untilTrue(`a Redis answers on ${port}`, () =>
    probeRedis({ url, write: false }).then(
      () => true,
      () => false,
    ),
  );
  return { identity: { program: basename(file), argument: config }, pidFile };
}

/** @param {string} what @param {() => Promise<boolean>} ask */
async function untilTrue(what, ask) {
  const deadline = Date.now() + START_MS;
  while (!(await ask())) {
    if (Date.now() > deadline) throw new SetUpError(`waited in vain until ${what}`);
    await pause(50);
  }
}
