import { join } from 'node:path';

import { cpuUsedBy } from './cpu-used.mjs';
import { buyByWrk } from './load/wrk.mjs';
import { RedisCluster } from './redis-cluster.mjs';

const ORDERS = 20_000;
const SMOKE_ORDERS = 300;
/** Of all gateways of a variant together. */
const CONNECTIONS = 128;
const SECOND_GATEWAY = 'gateway-2';

const CLUSTERS = [1, 3].map((masters) => ({ masters, name: `cluster${masters}` }));
/** So many that every master has its part of them. */
const CLUSTER_ITEMS = 30;

/** What runs in an installation while purchases are measured, and what makes rows of them afterwards. */
const BEFORE = /** @type {const} */ (['gateway', 'admin']);
const AFTER = /** @type {const} */ (['relay', 'orders']);

/**
 * What a variant buys with: `redis` tells the CPU seconds that its Redis has used so far.
 *
 * @typedef {object} Place
 * @property {import('./system.mjs').Installation} [at]
 * @property {string} suffix of the names its processes run as
 * @property {Record<string, string>} env
 * @property {() => number} redis
 * @property {number} [masters] of its Redis Cluster
 *
 * @typedef {{ name: string, place: Place, gateways: string[], items: number }} Variant
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 * @typedef {{ system: BenchSystem, log: import('./bench.mjs').Log, orders: number }} Context
 */

/**
 * What more gateways, items and Redis masters bring to a burst of purchases, and what each purchase costs then. Where
 * all of them share the same cores they cannot bring more purchases a second; the CPU of each tells what they would
 * bring with cores of their own.
 *
 * @param {{ smoke?: boolean, orders?: number }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function scale({ smoke = false, orders = smoke ? SMOKE_ORDERS : ORDERS }) {
  /** @type {Place[]} */
  let places = [];
  /** @type {RedisCluster[]} */
  const clusters = [];
  return {
    name: 'scale',
    rounds: 5,
    bars: [],
    prepare: async (system, log) => {
      const home = { suffix: '', env: {}, redis: () => system.cpuSeconds().redis ?? 0 };
      places = [home];
      for (const { masters, name } of smoke ? CLUSTERS.slice(-1) : CLUSTERS) {
        log(`scale: a Redis Cluster of ${masters} and a database for an installation with it`);
        const cluster = await RedisCluster.start({ masters, folder: join(system.folder, name), log });
        clusters.push(cluster);
        places.push({ ...(await placeOf(system, name, cluster)), masters });
      }
      const second = system.startApp('gateway', { as: SECOND_GATEWAY });
      await Promise.all([second, ...places.slice(1).map((place) => start(system, place, BEFORE))]);
      await warmUp({ system, log, orders: Math.ceil(orders / 2) }, variantsOf(places));
    },
    round: (system, log, round) => scaleRound({ system, log, orders }, variantsOf(places), round),
    finish: async (system) => {
      await system.stopApp(SECOND_GATEWAY);
      for (const { suffix } of places.slice(1)) {
        await Promise.all(BEFORE.map((name) => system.stopApp(`${name}${suffix}`)));
      }
      await Promise.all(clusters.map((cluster) => cluster.stop()));
    },
  };
}

/** @param {Place[]} places @returns {Variant[]} the first is what the others are compared with */
function variantsOf([home, ...clusters]) {
  const place = /** @type {Place} */ (home);
  return [
    { name: '1 gateway, 1 item', place, gateways: ['gateway'], items: 1 },
    { name: '2 gateways, 1 item', place, gateways: ['gateway', SECOND_GATEWAY], items: 1 },
    ...[10, 100].map((items) => ({ name: `${items} items`, place, gateways: ['gateway'], items })),
    ...clusters.map((cluster) => ({
      name: `cluster of ${cluster.masters}, ${CLUSTER_ITEMS} items`,
      place: cluster,
      gateways: [`gateway${cluster.suffix}`],
      items: CLUSTER_ITEMS,
    })),
  ];
}

/**
 * An installation over a Redis Cluster, beside the default one: the same PostgreSQL and Kafka, with a database and
 * topics of its own.
 *
 * @param {BenchSystem} system
 * @param {string} name
 * @param {RedisCluster} cluster
 * @returns {Promise<Place>}
 */
async function placeOf(system, name, cluster) {
  const env = {
    REDIS_URL: cluster.url,
    FLUX_REDIS_MODE: 'cluster',
    DATABASE_URL: await system.addDatabase(name),
    FLUX_TOPIC_PREFIX: `${name}.`,
  };
  const suffix = `-${name}`;
  const at = { admin: `admin${suffix}`, database: name };
  return { at, suffix, env, redis: () => cluster.cpuSeconds() };
}

/**
 * @param {BenchSystem} system
 * @param {Place} place
 * @param {readonly import('./system.mjs').AppName[]} names
 */
async function start(system, { suffix, env }, names) {
  await Promise.all(names.map((name) => system.startApp(name, { as: `${name}${suffix}`, env })));
}

/** @param {Context} context @param {Variant[]} variants */
async function warmUp(context, variants) {
  for (const [index, variant] of variants.entries()) {
    context.log(`  warms up: ${variant.name}`);
    await buy(context, variant, `w${index}`);
  }
}

/**
 * @param {Context} context
 * @param {Variant[]} variants
 * @param {number} round
 * @returns {Promise<import('./result.mjs').Measured[]>}
 */
async function scaleRound(context, variants, round) {
  const { system, log, orders } = context;
  await system.stopApp('relay');
  await system.stopApp('orders');
  /** @type {Map<Variant, Awaited<ReturnType<typeof buy>>>} */
  const bought = new Map();
  // Whoever is first meets a machine that has rested.
  for (const variant of round % 2 === 0 ? [...variants].reverse() : variants) {
    log(`  ${variant.name}: ${orders} purchases`);
    bought.set(variant, await buy(context, variant, `r${round}v${bought.size}`));
  }
  log('  relay and orders start: everything accepted must become a row');
  const places = [...new Set(variants.map((variant) => variant.place))];
  await Promise.all(places.map((place) => start(system, place, AFTER)));
  for (const { sale, total } of bought.values()) await system.untilDrained(sale, total);
  // The default installation's run on.
  for (const { suffix } of places.slice(1)) {
    await Promise.all(AFTER.map((name) => system.stopApp(`${name}${suffix}`)));
  }
  const base = bought.get(/** @type {Variant} */ (variants[0]));
  return variants.flatMap((variant, index) => {
    const { perSecond = NaN, micros = {} } = bought.get(variant) ?? {};
    const ratio = {
      metric: `${variant.name} / 1 gateway, 1 item`,
      unit: '',
      value: perSecond / (base?.perSecond ?? NaN),
    };
    return [
      { metric: variant.name, unit: '/s', value: perSecond },
      ...(index === 0 ? [] : [ratio]),
      ...Object.entries(micros).map(([what, value]) => ({
        metric: `${variant.name}: CPU, ${what}`,
        unit: 'us',
        value,
      })),
    ];
  });
}

/**
 * A burst at one sale, its purchases shared by the gateways.
 *
 * @param {Context} context
 * @param {Variant} variant
 * @param {string} seed
 */
async function buy({ system, orders }, { place, gateways, items }, seed) {
  const sale = await system.openSale({ stock: 2 * orders, items, ...(place.at ? { at: place.at } : {}) });
  const amount = Math.ceil(orders / gateways.length);
  const connections = CONNECTIONS / gateways.length;
  const read = () => ({ ...system.cpuSeconds(), redis: place.redis() });
  const { result: loads, seconds: used } = await cpuUsedBy(read, () =>
    Promise.all(
      gateways.map((gateway, index) =>
        buyByWrk({ url: system.urlOf(gateway), ...sale, amount, connections, seed: `${seed}g${index}` }),
      ),
    ),
  );
  const total = amount * gateways.length;
  const microsOf = (/** @type {string[]} */ names) =>
    (names.reduce((sum, name) => sum + (used[name] ?? 0), 0) * 1e6) / total;
  return {
    sale,
    total,
    perSecond: total / Math.max(...loads.map(({ seconds }) => seconds)),
    micros: { gateway: microsOf(gateways), redis: microsOf(['redis']), wrk: microsOf(['wrk']) },
  };
}
