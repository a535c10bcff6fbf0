import { randomBytes } from 'node:crypto';

import { pause } from '../stack/run.mjs';
import { buyByWrk } from './load/wrk.mjs';

const ORDERS = 40_000;
const WARM_UP_ORDERS = 5_000;
const SHIELDED = 'gateway-shielded';
const UNSHIELDED = 'gateway-unshielded';
const FLOODED = 'gateway-flooded';

/** Every good shopper has an address; each address may buy a few times. */
const GOOD = { network: '10.64', count: 50_000 };
const ADDRESS_REQUESTS = 5;
/** Sources that use up what they may ask for before what is measured begins. */
const FLOOD = { network: '10.200', count: 50 };

/** What good shoppers buy a second while the flood is on, and how many times as much the flood asks for. */
const GOOD_PER_SECOND = 400;
const FLOOD_TIMES = 10;
const FLOOD_SECONDS = 10;
const FLOOD_CONNECTIONS = 64;

/** Rules of access lists, none of which is about anybody here: looked up all the same. */
const RULES = 100;

/** One that went on at its rate would end the burst. */
const NO_ROOM = { mode: 'off' };

const WITHOUT = {
  FLUX_ADDRESS_LIMIT: 'off',
  FLUX_NETWORK_56_LIMIT: 'off',
  FLUX_NETWORK_48_LIMIT: 'off',
  FLUX_SHOPPER_LIMIT: 'off',
};
/** Limits of addresses, networks and shoppers as they come. */
const WITH = {
  FLUX_TRUSTED_PROXIES: '127.0.0.1',
  FLUX_ADDRESS_LIMIT: '200/1s',
  FLUX_SHOPPER_LIMIT: '600/1m burst=300',
  FLUX_ROUTE_LIMITS: 'POST /v1/orders=1000000/1s',
  FLUX_PURCHASE_CEILING: '1000000/1s',
};
/** Where the flood comes to: its sources stay denied. */
const DENYING = { ...WITH, FLUX_ADDRESS_LIMIT: `${ADDRESS_REQUESTS}/1h` };

/**
 * What the shields cost: a burst of purchases, each from an address of its own, through a gateway with every limit on and
 * rules to look up, against one without; and what a flood from denied sources takes from good shoppers.
 *
 * @param {{ smoke?: boolean, orders?: number }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function shields({ smoke = false, orders = smoke ? 500 : ORDERS }) {
  const flood = smoke
    ? { perSecond: 50, seconds: 1 }
    : { perSecond: GOOD_PER_SECOND, seconds: FLOOD_SECONDS };
  return {
    name: 'shields',
    rounds: 5,
    bars: [
      { metric: 'shielded/unshielded', atLeast: 0.75 },
      { metric: 'good shoppers, flood/calm', atLeast: 0.9 },
    ],
    prepare: async (system, log) => {
      await addRules(system);
      await system.startApp('gateway', { as: SHIELDED, env: WITH });
      await system.startApp('gateway', { as: UNSHIELDED, env: WITHOUT });
      await system.startApp('gateway', { as: FLOODED, env: DENYING });
      const amount = Math.min(orders, WARM_UP_ORDERS);
      await burst({ system, log, round: 0, orders: amount });
    },
    round: async (system, log, round) => [
      ...(await burst({ system, log, round, orders })),
      ...(await underFlood({ system, log, round, ...flood })),
    ],
    finish: async (system) => {
      await system.stopApp(SHIELDED);
      await system.stopApp(UNSHIELDED);
      await system.stopApp(FLOODED);
    },
  };
}

/**
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 * @typedef {import('./result.mjs').Measured} Measured
 */

/**
 * Relay and orders are stopped, as in `accept`: what is measured is the way to the gate.
 *
 * @param {{ system: BenchSystem, log: (line: string) => void, round: number, orders: number }} options
 * @returns {Promise<Measured[]>}
 */
async function burst({ system, log, round, orders }) {
  await system.stopApp('relay');
  await system.stopApp('orders');
  const sale = await system.openSale({ stock: 2 * orders, admission: NO_ROOM });
  const perSecond = { [SHIELDED]: 0, [UNSHIELDED]: 0 };
  const names = [SHIELDED, UNSHIELDED];
  for (const name of round % 2 === 0 ? names.reverse() : names) {
    log(`  ${name}: ${orders} purchases`);
    const seed = `${name === SHIELDED ? 's' : 'u'}${round}`;
    const load = { url: system.urlOf(name), ...sale, amount: orders, seed, addresses: addressesOf(round) };
    perSecond[name] = (await buyByWrk(load)).perSecond;
  }
  await Promise.all([system.startApp('relay'), system.startApp('orders')]);
  await system.untilDrained(sale, 2 * orders);
  const { [SHIELDED]: shielded, [UNSHIELDED]: unshielded } = perSecond;
  return [
    { metric: 'shielded/unshielded', unit: '', value: shielded / unshielded },
    { metric: 'accepted, shielded', unit: '/s', value: shielded },
    { metric: 'accepted, unshielded', unit: '/s', value: unshielded },
  ];
}

/**
 * Good shoppers at a pace, alone and then with the flood.
 *
 * @param {{ system: BenchSystem, log: (line: string) => void, round: number, perSecond: number, seconds: number }} options
 * @returns {Promise<Measured[]>}
 */
async function underFlood({ system, log, round, perSecond, seconds }) {
  const amount = perSecond * seconds;
  const sale = await system.openSale({ stock: 2 * amount, admission: NO_ROOM });
  const url = system.urlOf(FLOODED);
  const good = (/** @type {string} */ seed, /** @type {number} */ of) =>
    buyByWrk({ url, ...sale, amount, seed: `${seed}${round}`, perSecond, addresses: addressesOf(100 + of) });
  log(`  good shoppers: ${perSecond}/s, alone and beside ${FLOOD_TIMES} times as many from denied sources`);
  // A gateway that has met more callers than it remembers lets one of them through again before Redis tells it.
  await exhaustFlood(system);
  const calm = await good('c', 2 * round);
  const flooding = buyByWrk({
    url,
    ...sale,
    amount: FLOOD_TIMES * perSecond * (seconds + 1),
    seed: `f${round}`,
    connections: FLOOD_CONNECTIONS,
    perSecond: FLOOD_TIMES * perSecond,
    addresses: FLOOD,
    expect: 429,
  });
  await pause(500);
  const [beside, flood] = await Promise.all([good('b', 2 * round + 1), flooding]);
  await system.untilDrained(sale, 2 * amount);
  return [
    { metric: 'good shoppers, flood/calm', unit: '', value: beside.perSecond / calm.perSecond },
    { metric: 'good shoppers, calm', unit: '/s', value: calm.perSecond },
    { metric: 'good shoppers, beside the flood', unit: '/s', value: beside.perSecond },
    { metric: 'p99 of good shoppers, calm', unit: 'ms', value: calm.p99Ms },
    { metric: 'p99 of good shoppers, beside the flood', unit: 'ms', value: beside.p99Ms },
    { metric: 'flood, refused', unit: '/s', value: flood.perSecond },
  ];
}

/** Other addresses in each part, since what one has used up comes back in an hour. */
function addressesOf(/** @type {number} */ part) {
  return { ...GOOD, network: `10.${64 + (part % 128)}` };
}

async function exhaustFlood(/** @type {BenchSystem} */ system) {
  const url = `${system.urlOf(FLOODED)}/nowhere`;
  for (let host = 0; host < FLOOD.count; host++) {
    const headers = { 'x-forwarded-for': `${FLOOD.network}.0.${host}` };
    // One more than it may: whoever was refused is remembered the longest.
    for (let request = 0; request <= ADDRESS_REQUESTS; request++) await fetch(url, { headers });
  }
}

async function addRules(/** @type {BenchSystem} */ system) {
  for (let rule = 0; rule < RULES; rule++) {
    await system.operate('POST', '/admin/v1/access-rules', {
      list: 'deny',
      kind: rule % 2 === 0 ? 'cidr' : 'shopper',
      value: rule % 2 === 0 ? `192.0.2.${rule}/32` : randomBytes(8).toString('hex'),
      reason: 'A rule to look up',
    });
  }
}
