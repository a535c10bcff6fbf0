import { join } from 'node:path';

import { buyByWrk } from './load/wrk.mjs';
import { writeTokens } from './load/tokens.mjs';

const ORDERS = 40_000;
/** The naive flow is slow: as many purchases would only take longer. */
const NAIVE_ORDERS = 10_000;
const WARM_UP_ORDERS = 5_000;
const JWT_GATEWAY = 'gateway-jwt';

/**
 * A burst: how many purchases a second one gateway accepts while relay and orders are stopped, against bare Fastify
 * and against the naive flow.
 *
 * @param {{ smoke?: boolean, orders?: number }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function accept({ smoke = false, orders = smoke ? 500 : ORDERS }) {
  return {
    name: 'accept',
    rounds: 5,
    bars: [
      { metric: 'accept/bare', atLeast: 0.65 },
      { metric: 'accept/naive', atLeast: 3.5 },
    ],
    prepare: async (system, log) => {
      await system.startRival('bare');
      await system.startRival('naive');
      await system.startApp('gateway', { as: JWT_GATEWAY, env: { FLUX_AUTH: 'jwt' } });
      const warmUp = Math.min(orders, WARM_UP_ORDERS);
      const { sale } = await buyFromAll({ system, log, seed: 'w', orders: warmUp, reversed: false });
      await system.untilDrained(sale, 2 * warmUp);
    },
    round: (system, log, round) => acceptRound({ system, log, round, orders }),
    finish: async (system) => {
      system.stopRival('bare');
      system.stopRival('naive');
      await system.stopApp(JWT_GATEWAY);
    },
  };
}

/**
 * @param {{ system: BenchSystem, log: (line: string) => void, round: number, orders: number }} options
 * @returns {Promise<import('./result.mjs').Measured[]>}
 *
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 */
async function acceptRound({ system, log, round, orders }) {
  await system.stopApp('relay');
  await system.stopApp('orders');
  const { sale, perSecond } = await buyFromAll({
    system,
    log,
    seed: String(round),
    orders,
    reversed: round % 2 === 0,
  });
  log('  relay and orders start: everything accepted must become a row');
  await Promise.all([system.startApp('relay'), system.startApp('orders')]);
  await system.untilDrained(sale, 2 * orders);
  const { bare, naive, demo, jwt } = perSecond;
  return [
    { metric: 'accept/bare', unit: '', value: demo / bare },
    { metric: 'accept/naive', unit: '', value: demo / naive },
    { metric: 'accept/bare, JWT', unit: '', value: jwt / bare },
    { metric: 'accept/naive, JWT', unit: '', value: jwt / naive },
    { metric: 'accepted', unit: '/s', value: demo },
    { metric: 'accepted, JWT', unit: '/s', value: jwt },
    { metric: 'bare Fastify', unit: '/s', value: bare },
    { metric: 'naive flow', unit: '/s', value: naive },
  ];
}

/**
 * @param {{ system: BenchSystem, log: (line: string) => void, seed: string, orders: number, reversed: boolean }} options
 *   `reversed`: whoever is first meets a machine that has rested
 */
async function buyFromAll({ system, log, seed, orders, reversed }) {
  const sale = await system.openSale({ stock: 2 * orders });
  const tokensFile = join(system.folder, 'tokens');
  const secret = system.jwtSecret;
  writeTokens({ file: tokensFile, secret, seed: `jwt${seed}`, amount: orders });
  const gateway = { bare: 'bare', naive: 'naive', demo: 'gateway', jwt: JWT_GATEWAY };
  const perSecond = { bare: 0, naive: 0, demo: 0, jwt: 0 };
  const names = /** @type {(keyof typeof perSecond)[]} */ (Object.keys(perSecond));
  for (const name of reversed ? names.reverse() : names) {
    const amount = name === 'naive' ? Math.min(orders, NAIVE_ORDERS) : orders;
    log(`  ${name}: ${amount} purchases`);
    const load = await buyByWrk({
      url: system.urlOf(gateway[name]),
      ...sale,
      amount,
      seed: `${name}${seed}`,
      ...(name === 'jwt' ? { tokensFile } : {}),
    });
    perSecond[name] = load.perSecond;
  }
  return { sale, perSecond };
}
