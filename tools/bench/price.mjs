import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { ensureBuild, ensureDependencies } from '../setup.mjs';
import { ROOT } from '../stack/layout.mjs';
import { SetUpError, run } from '../stack/run.mjs';
import { buyByWrk } from './load/wrk.mjs';

const ORDERS = 20_000;
const APPS = /** @type {const} */ (['gateway', 'relay', 'orders', 'admin']);
/** The processes, the database, the topics and the part of Redis of the build that is compared with. */
const BEFORE = 'before';

/**
 * What changes since a commit cost: a whole installation of this build and one of that commit's, side by side on the
 * same servers, sell in turns while the other is idle. Without a commit the other one is this build, too: that shows by
 * how much equals differ here.
 *
 * @param {{ smoke?: boolean, orders?: number, against?: string }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function price({ smoke = false, orders = smoke ? 300 : ORDERS, against }) {
  const before = { admin: `admin-${BEFORE}`, database: BEFORE };
  const sides = [
    { name: 'now', gateway: 'gateway' },
    { name: 'before', gateway: `gateway-${BEFORE}`, at: before },
  ];
  return {
    name: 'price',
    rounds: 15,
    bars: against === undefined ? [] : [{ metric: 'accepted, now/before', atLeast: 0.95 }],
    prepare: async (system, log) => {
      const root = against === undefined ? ROOT : await buildOf({ commit: against, system, log });
      const redis = new URL(system.redisUrl);
      redis.pathname = '/1';
      const env = {
        REDIS_URL: redis.href,
        DATABASE_URL: await system.addDatabase(BEFORE, { root }),
        FLUX_TOPIC_PREFIX: `${BEFORE}.`,
      };
      await Promise.all(APPS.map((name) => system.startApp(name, { as: `${name}-${BEFORE}`, root, env })));
      await priceRound({ system, log, sides, orders: Math.ceil(orders / 2), seed: 'w' });
    },
    round: async (system, log, round) => {
      const inTurn = round % 2 === 0 ? [...sides].reverse() : sides;
      const { now, before } = await priceRound({ system, log, sides: inTurn, orders, seed: `r${round}` });
      return [
        { metric: 'accepted, now/before', unit: '', value: now.accepted / before.accepted },
        { metric: 'confirmed, now/before', unit: '', value: now.confirmed / before.confirmed },
        { metric: 'accepted, now', unit: '/s', value: now.accepted },
        { metric: 'accepted, before', unit: '/s', value: before.accepted },
        { metric: 'confirmed, now', unit: '/s', value: now.confirmed },
        { metric: 'confirmed, before', unit: '/s', value: before.confirmed },
      ];
    },
    finish: async (system) => {
      for (const name of APPS) await system.stopApp(`${name}-${BEFORE}`);
    },
  };
}

/**
 * @typedef {{ name: string, gateway: string, at?: import('./system.mjs').Installation }} Side
 * @typedef {{ accepted: number, confirmed: number }} Rates a second: while it sells, and until all of it is committed
 *
 * @param {{ system: import('./system.mjs').BenchSystem, log: import('./bench.mjs').Log, sides: Side[], orders: number,
 *   seed: string }} options
 */
async function priceRound({ system, log, sides, orders, seed }) {
  const rates = { now: { accepted: 0, confirmed: 0 }, before: { accepted: 0, confirmed: 0 } };
  for (const { name, gateway, at } of sides) {
    const sale = await system.openSale({ stock: orders, ...(at ? { at } : {}) });
    const startedAt = performance.now();
    const url = system.urlOf(gateway);
    const load = await buyByWrk({ url, ...sale, amount: orders, seed: `${name}${seed}` });
    await system.untilDrained(sale, orders);
    const confirmed = (orders * 1_000) / (performance.now() - startedAt);
    log(`  ${name}: ${Math.round(load.perSecond)}/s accepted, ${Math.round(confirmed)}/s confirmed`);
    rates[/** @type {keyof typeof rates} */ (name)] = { accepted: load.perSecond, confirmed };
  }
  return rates;
}

/**
 * The product as it was at a commit, built with the dependencies of then.
 *
 * @param {{ commit: string, system: import('./system.mjs').BenchSystem, log: import('./bench.mjs').Log }} options
 * @returns {Promise<string>} its folder
 * @throws {SetUpError} where this clone does not have the commit
 */
async function buildOf({ commit, system, log }) {
  const folder = join(ROOT, '.stack', `price-${commit.replaceAll(/[^\w.-]/g, '_')}`);
  log(`price: the build of ${commit}`);
  const archive = join(system.folder, 'before.tar');
  await run('git', ['archive', '--output', archive, commit], { cwd: ROOT, what: 'git archive' }).catch(
    (error) => {
      throw new SetUpError(`the commit ${commit} is not in this clone: ${error.message}`);
    },
  );
  mkdirSync(folder, { recursive: true });
  await run('tar', ['-xf', archive, '-C', folder], { what: 'tar' });
  rmSync(archive);
  await ensureDependencies({ log, root: folder });
  await ensureBuild({ log, root: folder });
  return folder;
}
