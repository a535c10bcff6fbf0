import { randomBytes } from 'node:crypto';

import { SetUpError } from '../stack/run.mjs';
import { buyByWrk } from './load/wrk.mjs';

const REFUSALS = 60_000;
const WARM_UP_REFUSALS = 10_000;
const STOCK = 100;
/**
 * The first requests of a part find no answer of the gate to go by; later ones are let through to renew it, all of them
 * where the gateway came too late to that.
 */
const ASKED_AT_MOST = { first: 500, laterShare: 0.1 };
const LIMITED = 'gateway-limited';

/** What the gateway counts its local refusals as, where it makes them. */
const LOCAL = { soldOut: 'soldOutLocally', room: 'waitingRoomLocally' };

/**
 * Which process answers each part, and how.
 *
 * @type {Record<PartName, { process: string, expect: number }>}
 *
 * @typedef {'bareSoldOut' | 'soldOut' | 'bareRoom' | 'room' | 'bareLimited' | 'limited'} PartName
 */
const PARTS = {
  bareSoldOut: { process: 'sold-out', expect: 409 },
  soldOut: { process: 'gateway', expect: 409 },
  bareRoom: { process: 'waiting-room', expect: 429 },
  room: { process: 'gateway', expect: 429 },
  bareLimited: { process: 'rate-limited', expect: 429 },
  limited: { process: LIMITED, expect: 429 },
};

/** Each part, or the one that its rival is compared with. @type {Record<PartName, keyof Sales>} */
const OURS = {
  bareSoldOut: 'soldOut',
  soldOut: 'soldOut',
  bareRoom: 'room',
  room: 'room',
  bareLimited: 'limited',
  limited: 'limited',
};

/**
 * How many purchases a second one gateway refuses, because the item is sold out, because a waiting room is in front of
 * the sale, and because their address asks too often, against bare Fastify that answers the same bytes.
 *
 * @param {{ smoke?: boolean, orders?: number }} options `orders`: purchases refused in each part
 * @returns {import('./bench.mjs').Bench}
 */
export function refuse({ smoke = false, orders = smoke ? 1_500 : REFUSALS }) {
  /** @type {Sales} */
  let sales;
  return {
    name: 'refuse',
    rounds: 5,
    bars: [
      { metric: 'refuse/bare', atLeast: 0.8 },
      { metric: 'refuse/bare, waiting room', atLeast: 0.8 },
      { metric: 'refuse/bare, rate-limited', atLeast: 0.8 },
    ],
    prepare: async (system, log) => {
      const soldOut = await openSoldOutSale(system);
      sales = {
        soldOut,
        limited: soldOut,
        room: await system.openSale({ stock: STOCK, admission: { mode: 'on' } }),
      };
      await system.startRival(PARTS.bareSoldOut.process);
      await system.startRival(PARTS.bareRoom.process);
      await system.startRival(PARTS.bareLimited.process);
      await system.startApp('gateway', {
        as: LIMITED,
        env: { FLUX_ADDRESS_LIMIT: '1/1h' },
      });
      // The only one that the limit allows.
      await ask(system.urlOf(LIMITED), soldOut);
      const amount = Math.min(orders, WARM_UP_REFUSALS);
      await refuseByAll({ system, log, sales, seed: 'w', amount, reversed: false });
      await proveSameBytes(system, sales);
    },
    round: async (system, log, round) => {
      const options = { system, log, sales, seed: String(round), amount: orders, reversed: round % 2 === 0 };
      return rowsOf(await refuseByAll(options), orders);
    },
    finish: async (system) => {
      system.stopRival(PARTS.bareSoldOut.process);
      system.stopRival(PARTS.bareRoom.process);
      system.stopRival(PARTS.bareLimited.process);
      await system.stopApp(LIMITED);
    },
  };
}

/**
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 * @typedef {import('./system.mjs').Sale} Sale
 * @typedef {{ soldOut: Sale, room: Sale, limited: Sale }} Sales which sale each part, and its rival's, is about
 * @typedef {{ perSecond: number, cpuMicroseconds: number, redisCommands: number, locally: number }} Part
 *   CPU of whoever answered, commands at Redis of all processes, and what was refused without the gate: per refusal
 */

/** @param {BenchSystem} system */
async function openSoldOutSale(system) {
  const sale = await system.openSale({ stock: STOCK });
  await buyByWrk({ url: system.urlOf('gateway'), ...sale, amount: STOCK, seed: 'buyer' });
  await system.untilDrained(sale, STOCK);
  return sale;
}

/**
 * @param {object} options
 * @param {BenchSystem} options.system
 * @param {(line: string) => void} options.log
 * @param {Sales} options.sales
 * @param {string} options.seed
 * @param {number} options.amount
 * @param {boolean} options.reversed whoever is first meets a machine that has rested
 */
async function refuseByAll({ system, log, sales, seed, amount, reversed }) {
  const names = /** @type {PartName[]} */ (Object.keys(PARTS));
  /** @type {Partial<Record<PartName, Part>>} */
  const parts = {};
  for (const name of reversed ? names.reverse() : names) {
    log(`  ${name}: ${amount} refusals`);
    parts[name] = await refusePart({ system, sale: sales[OURS[name]], name, seed, amount });
  }
  return /** @type {Record<PartName, Part>} */ (parts);
}

/**
 * @param {{ system: BenchSystem, sale: Sale, name: PartName, seed: string, amount: number }} options
 * @returns {Promise<Part>}
 */
async function refusePart({ system, sale, name, seed, amount }) {
  const { process, expect } = PARTS[name];
  const before = await countersOf(system, { process, name });
  const { perSecond } = await buyByWrk({
    url: system.urlOf(process),
    ...sale,
    amount,
    seed: `${name}${seed}`,
    expect,
  });
  const after = await countersOf(system, { process, name });
  const locally = after.refusedLocally - before.refusedLocally;
  const asked = amount - locally;
  if (
    (name === 'soldOut' || name === 'room') &&
    asked > ASKED_AT_MOST.first + ASKED_AT_MOST.laterShare * amount
  )
    throw new SetUpError(`not valid: ${asked} of ${amount} refusals asked the gate`);
  return {
    perSecond,
    locally: locally / amount,
    cpuMicroseconds: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / amount,
    redisCommands: (after.redisCommands - before.redisCommands) / amount,
  };
}

/** @param {BenchSystem} system @param {{ process: string, name: PartName }} part `process` is the one that answers */
async function countersOf(system, { process, name }) {
  const outcome = name === 'room' ? LOCAL.room : LOCAL.soldOut;
  const metrics = await system.metricsOf('gateway');
  const commands = (await system.redis.info('commandstats')).matchAll(/^cmdstat_\S+:calls=(\d+)/gm);
  return {
    cpuSeconds: system.cpuSeconds()[process] ?? 0,
    refusedLocally: Number(
      new RegExp(`^flux_purchase_decisions_total\\{[^}]*outcome="${outcome}"[^}]*\\} (\\d+)`, 'm').exec(
        metrics,
      )?.[1] ?? 0,
    ),
    redisCommands: [...commands].reduce((sum, [, calls]) => sum + Number(calls), 0),
  };
}

/**
 * @param {Record<PartName, Part>} parts
 * @param {number} amount
 * @returns {import('./result.mjs').Measured[]}
 */
function rowsOf({ bareSoldOut, soldOut, bareRoom, room, bareLimited, limited }, amount) {
  return [
    { metric: 'refuse/bare', unit: '', value: soldOut.perSecond / bareSoldOut.perSecond },
    { metric: 'refuse/bare, waiting room', unit: '', value: room.perSecond / bareRoom.perSecond },
    { metric: 'refuse/bare, rate-limited', unit: '', value: limited.perSecond / bareLimited.perSecond },
    { metric: 'sold out', unit: '/s', value: soldOut.perSecond },
    { metric: 'sold out, bare Fastify', unit: '/s', value: bareSoldOut.perSecond },
    { metric: 'waiting room', unit: '/s', value: room.perSecond },
    { metric: 'waiting room, bare Fastify', unit: '/s', value: bareRoom.perSecond },
    { metric: 'rate-limited', unit: '/s', value: limited.perSecond },
    { metric: 'rate-limited, bare Fastify', unit: '/s', value: bareLimited.perSecond },
    { metric: 'CPU of a refusal, sold out', unit: 'us', value: soldOut.cpuMicroseconds },
    { metric: 'CPU of a refusal, sold out, bare Fastify', unit: 'us', value: bareSoldOut.cpuMicroseconds },
    { metric: 'CPU of a refusal, waiting room', unit: 'us', value: room.cpuMicroseconds },
    {
      metric: 'CPU of a refusal, waiting room, bare Fastify',
      unit: 'us',
      value: bareRoom.cpuMicroseconds,
    },
    { metric: 'CPU of a refusal, rate-limited', unit: 'us', value: limited.cpuMicroseconds },
    {
      metric: 'CPU of a refusal, rate-limited, bare Fastify',
      unit: 'us',
      value: bareLimited.cpuMicroseconds,
    },
    { metric: 'refused without the gate, sold out', unit: '%', value: soldOut.locally * 100 },
    { metric: 'Redis commands per refusal, sold out', unit: '', value: soldOut.redisCommands },
    { metric: 'refused without the gate, waiting room', unit: '%', value: room.locally * 100 },
    { metric: 'Redis commands per refusal, waiting room', unit: '', value: room.redisCommands },
    { metric: 'Redis commands per refusal, rate-limited', unit: '', value: limited.redisCommands },
    { metric: 'refusals', unit: 'in each part', value: amount },
  ];
}

/** @throws {SetUpError} where bare Fastify has less to send: the comparison is not valid */
async function proveSameBytes(/** @type {BenchSystem} */ system, /** @type {Sales} */ sales) {
  for (const [ours, theirs] of /** @type {[PartName, PartName][]} */ ([
    ['soldOut', 'bareSoldOut'],
    ['room', 'bareRoom'],
    ['limited', 'bareLimited'],
  ])) {
    const [own, other] = await Promise.all(
      [ours, theirs].map((name) => ask(system.urlOf(PARTS[name].process), sales[OURS[name]])),
    );
    if (own !== other) throw new SetUpError(`not valid: ${ours} and bare Fastify differ\n${own}\n${other}`);
  }
}

/**
 * One purchase by a shopper who never bought.
 *
 * @param {string} url
 * @param {Sale} sale
 * @returns {Promise<string>} status, and the length of each header's value and of the body
 */
async function ask(url, { saleId, productIds }) {
  const shopper = randomBytes(8).toString('hex');
  const response = await fetch(`${url}/v1/orders`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': `key-${shopper}`,
      'x-shopper-id': shopper,
    },
    body: JSON.stringify({ productId: productIds[0], saleId, quantity: 1 }),
  });
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value.length}`).sort();
  return [response.status, ...headers, `body: ${(await response.arrayBuffer()).byteLength}`].join(', ');
}
