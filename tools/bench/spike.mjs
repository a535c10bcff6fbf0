import { setTimeout as pause } from 'node:timers/promises';

import { SetUpError } from '../stack/run.mjs';
import { between, histogramOf, quantileOf } from './histogram.mjs';
import { arrivalTimes } from './load/arrivals.mjs';
import { buyByOpenLoop, startOpenLoop } from './load/open-loop.mjs';

const BASE_PER_SECOND = 50;
const PART_SECONDS = 10;
/** How many times the base load comes. */
const SPIKE = 10;
/** Above the base load with its chances, and far below the spike. */
const RATE_SHARE = 1.5;
const POLL_MS = 1_000;
/** Few enough that none is idle for as long as the gateway waits for a first request. */
const CONNECTIONS = 64;

/**
 * How long a purchase takes in the gateway when ten times the base load comes and the waiting room goes on by itself
 * (`auto`): from the verified request to its outcome, of accepted purchases, against the same at base load. In the spike
 * nine tenths buy without a pass again and again, as a page without patience does; one tenth joins the line, waits and
 * buys with the pass.
 *
 * @param {{ smoke?: boolean }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function spike({ smoke = false }) {
  const seconds = smoke ? 1 : PART_SECONDS;
  return {
    name: 'spike',
    rounds: 5,
    bars: [{ metric: 'decision, p99, spike/base', atMost: 2 }],
    prepare: async (system) => {
      await baseLoad({ system, sale: await openSale(system), seed: 'w', seconds: 1 });
    },
    round: async (system, log, round) => {
      const sale = await openSale(system);
      log(`  base load: ${BASE_PER_SECOND} purchases a second for ${seconds} s`);
      const base = await baseLoad({ system, sale, seed: `b${round}`, seconds });
      log(`  spike: ${SPIKE * BASE_PER_SECOND} a second for ${seconds} s`);
      const { decisions, refused, asked, bought } = await spikeLoad({
        system,
        sale,
        seed: `s${round}`,
        seconds,
      });
      const ms = (/** @type {import('./histogram.mjs').Histogram} */ of, /** @type {number} */ share) =>
        quantileOf(of, share) * 1_000;
      return [
        {
          metric: 'decision, p99, spike/base',
          unit: '',
          value: quantileOf(decisions, 0.99) / quantileOf(base, 0.99),
        },
        { metric: 'decision at base load, p50', unit: 'ms', value: ms(base, 0.5) },
        { metric: 'decision at base load, p99', unit: 'ms', value: ms(base, 0.99) },
        { metric: 'decision in the spike, p50', unit: 'ms', value: ms(decisions, 0.5) },
        { metric: 'decision in the spike, p99', unit: 'ms', value: ms(decisions, 0.99) },
        { metric: 'accepted in the spike', unit: '', value: decisions.count },
        { metric: 'bought with a pass', unit: '', value: bought },
        { metric: 'sent to the room', unit: '%', value: (refused / asked) * 100 },
      ];
    },
  };
}

/**
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 * @typedef {{ system: BenchSystem, sale: import('./system.mjs').Sale, seed: string, seconds: number }} Part
 */

/** @param {BenchSystem} system */
function openSale(system) {
  const ratePerSecond = BASE_PER_SECOND * RATE_SHARE;
  const stock = 2 * SPIKE * BASE_PER_SECOND * PART_SECONDS;
  return system.openSale({ stock, admission: { mode: 'auto', ratePerSecond, longestPollMs: POLL_MS } });
}

/** @param {Part} part */
async function baseLoad({ system, sale, seed, seconds }) {
  const before = await decisionsOf(system);
  const amount = BASE_PER_SECOND * seconds;
  await buyByOpenLoop({ ...target(system, sale), amount, perSecond: BASE_PER_SECOND, seed });
  return between(before, await decisionsOf(system));
}

/** @param {Part} part @throws {SetUpError} where the room did not go on, or nobody came through it */
async function spikeLoad({ system, sale, seed, seconds }) {
  const before = await decisionsOf(system);
  const perSecond = (SPIKE - 1) * BASE_PER_SECOND;
  const { ended } = await startOpenLoop({
    ...target(system, sale),
    ...{ amount: perSecond * seconds, perSecond, seed: `${seed}i` },
  });
  const [{ asked, others }, bought] = await Promise.all([
    ended,
    queueUp({ url: system.urlOf('gateway'), sale, seed, seconds }),
  ]);
  const refused = others['429'] ?? 0;
  if (refused < asked / 2 || bought === 0) {
    throw new SetUpError(
      `not valid: ${refused} of ${asked} were sent to the room, ${bought} came through it`,
    );
  }
  return { decisions: between(before, await decisionsOf(system)), refused, asked, bought };
}

/** @param {BenchSystem} system @param {import('./system.mjs').Sale} sale */
function target(system, { saleId, productIds: [productId = ''] }) {
  return { url: system.urlOf('gateway'), saleId, productId, connections: CONNECTIONS };
}

/** @param {BenchSystem} system */
async function decisionsOf(system) {
  return histogramOf(
    await system.metricsOf('gateway'),
    'flux_purchase_decision_seconds',
    'outcome="accepted"',
  );
}

/**
 * Shoppers who come at the base load, join, look as they are told, and buy with their pass.
 *
 * @param {{ url: string, sale: import('./system.mjs').Sale, seed: string, seconds: number }} options
 * @returns {Promise<number>} who bought with a pass
 */
async function queueUp({ url, sale, seed, seconds }) {
  const amount = BASE_PER_SECOND * seconds;
  const times = arrivalTimes({ amount, perSecond: BASE_PER_SECOND, seed });
  const until = performance.now() + seconds * 1_000;
  const startedAt = performance.now();
  const bought = await Promise.all(
    Array.from(times, async (atMs, index) => {
      await pause(Math.max(0, startedAt + atMs - performance.now()));
      return shop({ url, sale, shopper: `${seed}q-${index}`, until });
    }),
  );
  return bought.filter(Boolean).length;
}

/**
 * @param {{ url: string, sale: import('./system.mjs').Sale, shopper: string, until: number }} options
 * @returns {Promise<boolean>} whether a pass led to an order in time
 */
async function shop({ url, sale: { saleId, productIds }, shopper, until }) {
  const queue = `${url}/v1/sales/${saleId}/queue`;
  let answer = await read(await fetch(queue, { method: 'POST', headers: { 'x-shopper-id': shopper } }));
  const ticket = answer.ticket ?? '';
  while (answer.status === 'waiting' && performance.now() + answer.askAgainMs < until) {
    await pause(answer.askAgainMs);
    answer = await read(await fetch(queue, { headers: { 'x-ticket': ticket } }));
  }
  if (answer.pass === undefined) return false;
  const response = await fetch(`${url}/v1/orders`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': `${shopper}-`.padEnd(20, '0'),
      'x-shopper-id': shopper,
      'x-pass': answer.pass,
    },
    body: JSON.stringify({ productId: productIds[0], saleId, quantity: 1 }),
  });
  await response.arrayBuffer();
  return response.status === 202;
}

/** @param {Response} response @returns {Promise<any>} */
async function read(response) {
  if (response.ok) return response.json();
  throw new SetUpError(`not valid: the line answered ${response.status}: ${await response.text()}`);
}
