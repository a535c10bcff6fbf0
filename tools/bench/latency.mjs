import { SetUpError, pause } from '../stack/run.mjs';
import { timeFsyncs } from './fsync.mjs';
import { between, histogramOf, quantileOf } from './histogram.mjs';
import { buyByOpenLoop } from './load/open-loop.mjs';
import { buyByWrk } from './load/wrk.mjs';
import { percentile } from './result.mjs';

const SATURATING_ORDERS = 40_000;
const WARM_UP_ORDERS = 5_000;
const PART_SECONDS = 8;
const LOADS = [25, 50, 75];
/** The load of the bars. */
const JUDGED = 50;
/** Seldom enough that the disk's other users do not notice. */
const FSYNC_EVERY_MS = 25;

/** @type {readonly { name: string, share: number }[]} */
const PERCENTILES = [
  { name: 'p50', share: 0.5 },
  { name: 'p99', share: 0.99 },
  { name: 'p99.9', share: 0.999 },
];

/**
 * How long a purchase takes at 25, 50 and 75 % of what the whole system sustains, with every process running.
 *
 * - Saturation: a burst by wrk, as fast as the answers come; its orders by the time from the first acceptance to the
 *   last one's confirmation. (Purchases are accepted faster than that, at the price of a growing outbox.)
 * - Decision: in the gateway, from the verified request to its outcome; from its histogram, values within a bucket
 *   taken to lie evenly.
 * - Client: from the intended time to the answer's last byte, by an open loop.
 * - Accepted to confirmed: from the gate's time of acceptance to PostgreSQL's of the confirmation, in the transaction;
 *   the bar adds the p99 of a batch's whole transaction, so that it ends after the commit.
 * - fsync: on the servers' disk just before each part, and during it, once in a while.
 *
 * @param {{ smoke?: boolean, orders?: number }} options `orders`: purchases of the burst that finds the saturation
 * @returns {import('./bench.mjs').Bench}
 */
export function latency({ smoke = false, orders = smoke ? 500 : SATURATING_ORDERS }) {
  const seconds = smoke ? 0.2 : PART_SECONDS;
  const fsyncs = smoke ? 50 : 1_000;
  return {
    name: 'latency',
    rounds: 5,
    bars: [
      { metric: `decision at ${JUDGED} %, p50, less one fsync`, atMost: 1 },
      { metric: `decision at ${JUDGED} %, p99, less one fsync`, atMost: 5 },
      { metric: `accepted to confirmed at ${JUDGED} %, p99, with the commit`, atMost: 1_000 },
    ],
    prepare: async (system, log) => {
      await saturate({ system, log, seed: 'w', orders: Math.min(orders, WARM_UP_ORDERS) });
    },
    round: async (system, log, round) => {
      const saturation = await saturate({ system, log, seed: `s${round}`, orders });
      const loads = round % 2 === 0 ? LOADS.toReversed() : LOADS;
      /** @type {Map<number, Part>} */
      const parts = new Map();
      for (const load of loads) {
        const perSecond = (saturation.perSecond * load) / 100;
        log(`  ${load} %: ${Math.round(perSecond)} purchases a second for ${seconds} s`);
        const seed = `l${round}x${load}`;
        const amount = Math.ceil(perSecond * seconds);
        parts.set(load, await measure({ system, seed, perSecond, amount, fsyncs }));
      }
      return [
        { metric: 'saturation', unit: '/s', value: saturation.perSecond },
        { metric: 'accepted meanwhile', unit: '/s', value: saturation.acceptedPerSecond },
        ...LOADS.flatMap((load) => rowsOf(load, /** @type {Part} */ (parts.get(load)))),
      ];
    },
  };
}

/**
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 *
 * One load; times in ms.
 *
 * @typedef {object} Part
 * @property {import('./histogram.mjs').Histogram} decisions
 * @property {import('./histogram.mjs').Histogram} transactions
 * @property {Record<string, number>} confirmedMs by percentile
 * @property {number[]} fsyncMs just before
 * @property {number[]} loadedFsyncMs meanwhile
 * @property {number[]} clientMs
 * @property {number[]} lateMs of the client's sending
 * @property {Record<string, number>} cores in use by each process and server, and by the client
 * @property {number} clientCpuMicroseconds per purchase
 */

/** @param {{ system: BenchSystem, log: (line: string) => void, seed: string, orders: number }} options */
async function saturate({ system, log, seed, orders }) {
  log(`  saturation: ${orders} purchases as fast as the answers come`);
  const sale = await system.openSale({ stock: 2 * orders });
  const load = await buyByWrk({ url: system.urlOf('gateway'), ...sale, amount: orders, seed });
  await system.untilDrained(sale, orders);
  const [{ seconds }] = await system.sql(
    `SELECT extract(epoch FROM max(decided_at) - min(accepted_at))::float8 AS seconds
     FROM orders WHERE sale_id = $1`,
    [sale.saleId],
  );
  return { perSecond: orders / seconds, acceptedPerSecond: load.perSecond };
}

/**
 * @param {{ system: BenchSystem, seed: string, perSecond: number, amount: number, fsyncs: number }} options
 * @returns {Promise<Part>}
 */
async function measure({ system, seed, perSecond, amount, fsyncs }) {
  const sale = await system.openSale({ stock: 2 * amount });
  const fsyncMs = timeFsyncs(system.folder, fsyncs);
  const before = await countersOf(system);
  const load = buyByOpenLoop({
    ...{ url: system.urlOf('gateway'), saleId: sale.saleId, productId: sale.productIds[0] ?? '' },
    ...{ amount, perSecond, seed },
  });
  const [result, loadedFsyncMs] = await Promise.all([load, fsyncsUntil(load, system.folder)]);
  const cpuSeconds = system.cpuSeconds();
  await system.untilDrained(sale, amount);
  const after = await countersOf(system);
  const decisions = between(before.decisions, after.decisions);
  if (decisions.count !== amount)
    throw new SetUpError(`not valid: the gateway timed ${decisions.count} decisions, not ${amount}`);
  return {
    decisions,
    transactions: between(before.transactions, after.transactions),
    confirmedMs: await confirmedMsOf(system, sale.saleId),
    fsyncMs,
    loadedFsyncMs,
    clientMs: [...result.latenciesMs],
    lateMs: [...result.lateMs],
    cores: Object.fromEntries([
      ...Object.entries(cpuSeconds).map(([name, used]) => [
        name,
        (used - (before.cpuSeconds[name] ?? 0)) / result.seconds,
      ]),
      ['client', result.cpuSeconds / result.seconds],
    ]),
    clientCpuMicroseconds: (result.cpuSeconds * 1e6) / amount,
  };
}

/** @param {BenchSystem} system */
async function countersOf(system) {
  const [gateway, orders] = await Promise.all([system.metricsOf('gateway'), system.metricsOf('orders')]);
  return {
    decisions: histogramOf(gateway, 'flux_purchase_decision_seconds', 'outcome="accepted"'),
    transactions: histogramOf(orders, 'flux_batch_transaction_seconds'),
    cpuSeconds: system.cpuSeconds(),
  };
}

/** @param {Promise<unknown>} load @param {string} folder @returns {Promise<number[]>} in ms */
async function fsyncsUntil(load, folder) {
  let over = false;
  const end = () => void (over = true);
  load.then(end, end);
  /** @type {number[]} */
  const times = [];
  while (!over) {
    await pause(FSYNC_EVERY_MS);
    times.push(...timeFsyncs(folder, 1));
  }
  return times;
}

/** @param {BenchSystem} system @param {string} saleId @returns {Promise<Record<string, number>>} */
async function confirmedMsOf(system, saleId) {
  const [{ times }] = await system.sql(
    `SELECT percentile_cont($2::float8[]) WITHIN GROUP (ORDER BY extract(epoch FROM decided_at - accepted_at) * 1000)
            AS times
     FROM orders WHERE sale_id = $1`,
    [saleId, PERCENTILES.map(({ share }) => share)],
  );
  return Object.fromEntries(PERCENTILES.map(({ name }, index) => [name, Number(times[index])]));
}

/**
 * @param {number} load
 * @param {Part} part
 * @returns {import('./result.mjs').Measured[]}
 */
function rowsOf(load, part) {
  const { decisions, transactions, confirmedMs, fsyncMs, loadedFsyncMs, clientMs, lateMs } = part;
  const rows = (/** @type {string} */ what, /** @type {(share: number, name: string) => number} */ of) =>
    PERCENTILES.map(({ name, share }) => ({
      metric: what.replace('@', `at ${load} %, ${name}`),
      unit: 'ms',
      value: of(share, name),
    }));
  const decision = (/** @type {number} */ share) => quantileOf(decisions, share) * 1_000;
  const confirmed = (/** @type {string} */ name) => confirmedMs[name] ?? Number.NaN;
  return [
    ...rows('decision @', decision),
    ...rows('decision @, less one fsync', (share) => decision(share) - percentile(fsyncMs, share)),
    ...rows('client @', (share) => percentile(clientMs, share)),
    ...rows('client sends late @', (share) => percentile(lateMs, share)),
    ...rows('accepted to confirmed @', (_share, name) => confirmed(name)),
    {
      metric: `accepted to confirmed at ${load} %, p99, with the commit`,
      unit: 'ms',
      value: confirmed('p99') + quantileOf(transactions, 0.99) * 1_000,
    },
    ...rows('fsync before @', (share) => percentile(fsyncMs, share)),
    ...rows('fsync during @', (share) => percentile(loadedFsyncMs, share)),
    ...Object.entries(part.cores).map(([name, value]) => ({
      metric: `cores in use at ${load} %, ${name}`,
      unit: '',
      value,
    })),
    { metric: `CPU of the client at ${load} %`, unit: 'us a purchase', value: part.clientCpuMicroseconds },
  ];
}
