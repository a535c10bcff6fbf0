import { SetUpError, pause } from '../stack/run.mjs';
import { cpuUsedBy } from './cpu-used.mjs';
import { buyByWrk } from './load/wrk.mjs';
import { percentile } from './result.mjs';

const MEASURED = ['gateway', 'relay', 'orders', 'admin', 'redis', 'kafka', 'postgres', 'wrk'];
const RIVAL = 'bare';

/**
 * More than for a burst: with everything running an answer takes longer, and the generator must not be what bounds the
 * rate. 512 instead of 128 brought a fifth more orders a second to Flux-Gate, as batches grow, and nothing to the rival.
 */
const CONNECTIONS = 512;

/**
 * A rate holds when the backlog - accepted and not yet committed and settled, wherever it waits - is in the last third
 * of the run hardly more than in the first: by so many seconds of the rate's own orders, the medians compared. They
 * lie two thirds of the run apart, so over 30 s a rate that is 1 % too high is found out.
 */
const GROWTH_SECONDS = 0.2;
/** A rate that did not hold is followed by a lower one, one that held at once by a higher one in the next round. */
const DOWN = 0.96;
const UP = 1.03;
const ATTEMPTS = 8;

/** The search begins between this share of what bare Fastify answers and what Flux-Gate answers without a pace. */
const LOWEST = 0.2;

const SIZES = {
  full: {
    seconds: 30,
    bareOrders: 40_000,
    probes: 4,
    probeSeconds: 5,
    sampleMs: 500,
    growth: GROWTH_SECONDS,
  },
  // Too short to tell anything: whatever the rate, it holds.
  smoke: { seconds: 1, bareOrders: 500, probes: 1, probeSeconds: 0.5, sampleMs: 100, growth: Infinity },
};

/**
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 * @typedef {{ perSecond: number, paced: boolean }} Rate `paced`: a pace to keep; else it only says how many to buy
 * @typedef {{ system: BenchSystem, log: import('./bench.mjs').Log, sizes: typeof SIZES.full }} Context
 */

/**
 * Everything runs: the highest rate of purchases at which the backlog does not grow over 30 s, against what bare
 * Fastify answers.
 *
 * @param {{ smoke?: boolean }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function sustained({ smoke = false }) {
  const sizes = smoke ? SIZES.smoke : SIZES.full;
  /** @type {Rate} */
  let rate = { perSecond: 0, paced: false };
  return {
    name: 'sustained',
    rounds: 5,
    bars: [{ metric: 'sustained/bare', atLeast: 0.45 }],
    prepare: async (system, log) => {
      await system.startRival(RIVAL);
      rate = await searchRate({ system, log, sizes });
    },
    round: async (system, log, round) => {
      const { measured, next } = await sustainedRound({ system, log, sizes }, { round, rate });
      rate = next;
      return measured;
    },
    finish: async (system) => system.stopRival(RIVAL),
  };
}

/**
 * First as fast as the answers come: on few cores the gateway may leave so much to the others that this holds, and then
 * there is no higher rate. Otherwise short runs at a pace between bounds that close in. All are rough; what counts is
 * only what holds in a round.
 *
 * @param {Context} context
 * @returns {Promise<Rate>}
 */
async function searchRate(context) {
  const { sizes, log } = context;
  const seconds = sizes.probeSeconds;
  // The first purchases warm both sides up.
  await askBare(context, 'warm');
  const bare = await askBare(context, 'search');
  let low = bare.perSecond * LOWEST;
  log(`sustained: bare Fastify answers ${Math.round(bare.perSecond)}/s; searching for a rate that holds`);
  const cold = await attempt(context, { rate: { perSecond: low, paced: false }, seconds, seed: 'cold' });
  const fastest = await attempt(context, { rate: { ...cold.rate, paced: false }, seconds, seed: 'fast' });
  if (fastest.holds) return fastest.rate;
  let high = fastest.rate.perSecond;
  for (let probe = 1; probe <= sizes.probes; probe++) {
    const perSecond = (low + high) / 2;
    const run = await attempt(context, { rate: { perSecond, paced: true }, seconds, seed: `p${probe}` });
    if (run.holds) low = perSecond;
    else high = perSecond;
  }
  return { perSecond: low, paced: true };
}

/**
 * @param {Context} context
 * @param {{ round: number, rate: Rate }} options
 */
async function sustainedRound(context, { round, rate }) {
  const before = await askBare(context, `b${round}`);
  const { held, attempts } = await untilHeld(context, { round, rate });
  const after = await askBare(context, `a${round}`);
  // What the machine does while one is measured is best known from before and after.
  const bare = (2 * context.sizes.bareOrders) / (before.seconds + after.seconds);
  const { orders, backlog, cpuSeconds } = held;
  const { perSecond, paced } = held.rate;
  const micros = Object.fromEntries(MEASURED.map((name) => [name, ((cpuSeconds[name] ?? 0) * 1e6) / orders]));
  const all = Object.values(micros).reduce((sum, value) => sum + value, 0);
  const perOrder = Object.entries({ ...micros, all });
  return {
    measured: [
      { metric: 'sustained/bare', unit: '', value: perSecond / bare },
      { metric: 'sustained', unit: 'orders/s', value: perSecond },
      { metric: 'bare Fastify', unit: '/s', value: bare },
      { metric: 'backlog, first third', unit: 'orders', value: backlog.first },
      { metric: 'backlog, last third', unit: 'orders', value: backlog.last },
      { metric: 'runs until one held', unit: '', value: attempts },
      ...perOrder.map(([name, value]) => ({ metric: `CPU an order, ${name}`, unit: 'us', value })),
    ],
    next: { perSecond: paced && attempts === 1 ? perSecond * UP : perSecond, paced },
  };
}

/**
 * @param {Context} context
 * @param {{ round: number, rate: Rate }} options
 * @throws {SetUpError} where nothing holds
 */
async function untilHeld(context, { round, rate }) {
  let asked = rate;
  for (let attempts = 1; attempts <= ATTEMPTS; attempts++) {
    const { seconds } = context.sizes;
    const run = await attempt(context, { rate: asked, seconds, seed: `r${round}x${attempts}` });
    if (run.holds) return { held: run, attempts };
    asked = { perSecond: run.rate.perSecond * DOWN, paced: true };
  }
  throw new SetUpError(
    `not valid: after ${ATTEMPTS} runs there is no rate at which the backlog does not grow`,
  );
}

/**
 * One run, until all that it bought is committed. Answers the rate that was reached, whatever was asked for.
 *
 * @param {Context} context
 * @param {{ rate: Rate, seconds: number, seed: string }} options
 */
async function attempt({ system, log, sizes }, { rate, seconds, seed }) {
  const { paced } = rate;
  const orders = Math.round(rate.perSecond * seconds);
  const sale = await system.openSale({ stock: orders });
  const url = system.urlOf('gateway');
  const pace = paced ? { perSecond: rate.perSecond } : {};
  const buy = () => buyByWrk({ url, ...sale, amount: orders, seed, connections: CONNECTIONS, ...pace });
  const { result, seconds: cpuSeconds } = await cpuUsedBy(
    () => system.cpuSeconds(),
    async () => {
      const run = await sampledWhile(buy, () => backlogIn(system, sale), sizes.sampleMs);
      await system.untilDrained(sale, orders);
      return run;
    },
  );
  const { load, samples } = result;
  const third = Math.ceil(samples.length / 3);
  const backlog = {
    first: percentile(samples.slice(0, third), 0.5),
    last: percentile(samples.slice(-third), 0.5),
  };
  const holds = backlog.last - backlog.first <= sizes.growth * load.perSecond;
  const asked = paced ? `${Math.round(rate.perSecond)}/s asked` : 'without a pace';
  log(
    `  ${load.seconds.toFixed(1)} s at ${Math.round(load.perSecond)}/s (${asked}): the backlog went from ` +
      `${backlog.first} to ${backlog.last}: ${holds ? 'holds' : 'too much'}`,
  );
  return { holds, rate: { perSecond: load.perSecond, paced }, orders, backlog, cpuSeconds };
}

/**
 * @param {() => Promise<import('./load/wrk.mjs').Load>} buy
 * @param {() => Promise<number>} read
 * @param {number} everyMs
 */
async function sampledWhile(buy, read, everyMs) {
  let over = false;
  /** @type {number[]} */
  const samples = [];
  const sampling = async () => {
    while (!over) {
      samples.push(await read());
      await pause(everyMs);
    }
  };
  const [load] = await Promise.all([buy().finally(() => (over = true)), sampling()]);
  return { load, samples };
}

/** @returns {Promise<number>} orders accepted and not known to be committed */
async function backlogIn(/** @type {BenchSystem} */ system, /** @type {import('./system.mjs').Sale} */ sale) {
  const gates = await system.gateOf(sale);
  return gates.reduce((sum, { sequence, watermark }) => sum + sequence - watermark, 0);
}

function askBare(/** @type {Context} */ { system, sizes }, /** @type {string} */ seed) {
  const item = { saleId: 'sale', productIds: ['product'] };
  const load = { amount: sizes.bareOrders, connections: CONNECTIONS };
  return buyByWrk({ url: system.urlOf(RIVAL), ...item, ...load, seed });
}
