import { SetUpError, pause } from '../stack/run.mjs';
import { between, histogramOf, longestOf } from './histogram.mjs';
import { startOpenLoop } from './load/open-loop.mjs';
import { buyByWrk } from './load/wrk.mjs';
import { percentile } from './result.mjs';

const ORDERS = 100_000;
const SMOKE_ORDERS = 500;
/** Meanwhile, and of the same item, so that expiry and purchases want the same ledger row. */
const PURCHASES_PER_SECOND = 200;
/** Stock for those: they go on until everything is released, but not for ever. */
const SPARE = 60_000;
/**
 * `dueInMs`: from the moment that it is set to the one at which all are due; the table is vacuumed in between.
 * `beforeMs`: so long before that one the purchases begin.
 */
const TIMES = { dueInMs: 20_000, beforeMs: 3_000 };
const SMOKE_TIMES = { dueInMs: 1_000, beforeMs: 300 };

/**
 * Many held orders expire at once while purchases go on. Released means committed in PostgreSQL and told to the gate.
 *
 * @param {{ smoke?: boolean, orders?: number }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function expiry({ smoke = false, orders = smoke ? SMOKE_ORDERS : ORDERS }) {
  return {
    name: 'expiry',
    rounds: 3,
    bars: [
      { metric: 'released', atLeast: 5_000 },
      { metric: 'longest lock of an item', atMost: 1_000 },
    ],
    round: (system, log, round) =>
      expiryRound({ system, log, round, orders, times: smoke ? SMOKE_TIMES : TIMES }),
  };
}

/**
 * @param {object} options
 * @param {BenchSystem} options.system
 * @param {(line: string) => void} options.log
 * @param {number} options.round
 * @param {number} options.orders
 * @param {typeof TIMES} options.times
 * @returns {Promise<import('./result.mjs').Measured[]>}
 */
async function expiryRound({ system, log, round, orders, times }) {
  const sale = await system.openSale({ stock: orders + SPARE });
  const url = system.urlOf('gateway');
  log(`  buys ${orders} units`);
  await buyByWrk({ url, ...sale, amount: orders, seed: `e${round}` });
  await everythingSettled(system, sale, orders);

  const dueAtMs = await makeDue(system, sale, times);
  const before = await lockTimesOf(system);
  await pause(dueAtMs - times.beforeMs - Date.now());
  const { ended, stop } = await startOpenLoop({
    ...{ url, saleId: sale.saleId, productId: sale.productIds[0] ?? '', seed: `m${round}` },
    ...{ amount: SPARE, perSecond: PURCHASES_PER_SECOND },
  });
  const startedAtMs = Date.now();
  // They come at random: never so many more than on average.
  const atMost = () => 100 + (1.1 * PURCHASES_PER_SECOND * (Date.now() - startedAtMs)) / 1_000;
  await pause(dueAtMs - Date.now());
  const releasedAtMs = await everythingReleased(system, sale, atMost).finally(stop);
  const { asked, accepted, seconds, latenciesMs } = await ended;
  const locks = between(before, await lockTimesOf(system));
  const longestSeconds = longestOf(locks);
  if (longestSeconds === undefined) throw new SetUpError('not valid: no batch was measured');
  const committed = await committedWithin(system, sale);
  log(`  released in ${releasedAtMs - dueAtMs} ms, ${accepted} purchases meanwhile`);

  await everythingSettled(system, sale, accepted);
  const waits = await waitsForConfirmation(system, sale, new Date(dueAtMs));
  await proveBalance(system, sale, { orders, accepted });

  const tookMs = [...latenciesMs];
  return [
    { metric: 'released', unit: '/s', value: (orders * 1_000) / (releasedAtMs - dueAtMs) },
    { metric: 'committed in PostgreSQL', unit: '/s', value: (orders * 1_000) / committed.withinMs },
    { metric: 'batches', unit: '', value: locks.count },
    { metric: 'lock of an item, mean', unit: 'ms', value: (locks.sumSeconds * 1_000) / locks.count },
    { metric: 'longest lock of an item', unit: 'ms at most', value: longestSeconds * 1_000 },
    { metric: 'purchases asked for meanwhile', unit: '/s', value: asked / seconds },
    { metric: 'purchases accepted meanwhile', unit: '/s', value: accepted / seconds },
    { metric: 'purchases not accepted', unit: '', value: asked - accepted },
    { metric: 'purchase answered, median', unit: 'ms', value: percentile(tookMs, 0.5) },
    { metric: 'purchase answered, p99', unit: 'ms', value: percentile(tookMs, 0.99) },
    { metric: 'accepted to confirmed, median', unit: 'ms', value: percentile(waits, 0.5) },
    { metric: 'accepted to confirmed, p99', unit: 'ms', value: percentile(waits, 0.99) },
  ];
}

/**
 * @typedef {import('./system.mjs').Sale} Sale
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 */

/** Everything accepted is confirmed, and nothing is under way that would be measured with the rest. */
async function everythingSettled(
  /** @type {BenchSystem} */ system,
  /** @type {Sale} */ sale,
  /** @type {number} */ held,
) {
  await system.until(`${held} orders are held and their events published`, async () => {
    const [row] = await system.sql(
      `SELECT held, EXISTS (SELECT FROM order_events) AS queued FROM ledger WHERE sale_id = $1`,
      [sale.saleId],
    );
    if (row.held > held) throw new SetUpError(`${row.held} orders are held, and only ${held} were accepted`);
    return row.held === held && !row.queued && (await system.gateOf(sale))[0].outboxLength === 0;
  });
}

/** @returns {Promise<number>} when all holds of the item run out, by the clock of this machine, as PostgreSQL's */
async function makeDue(
  /** @type {BenchSystem} */ system,
  /** @type {Sale} */ { saleId },
  /** @type {typeof TIMES} */ { dueInMs, beforeMs },
) {
  const [{ due }] = await system.sql("SELECT now() + $1 * interval '1 millisecond' AS due", [dueInMs]);
  await system.sql("UPDATE orders SET hold_until = $2 WHERE sale_id = $1 AND state = 'confirmed'", [
    saleId,
    due,
  ]);
  // So that what is measured is not what this update left behind.
  await system.sql('VACUUM (ANALYZE) orders');
  if (Date.now() > due.getTime() - beforeMs) throw new SetUpError('not valid: the orders are due too early');
  return due.getTime();
}

/**
 * Asks for one row while much is left: what is due would be looked for among all that has just ended.
 *
 * @param {BenchSystem} system
 * @param {Sale} sale
 * @param {() => number} bought how many orders may be held at most, because they were bought meanwhile
 * @returns {Promise<number>} when no order was due and the gate had heard of all
 */
async function everythingReleased(system, { saleId }, bought) {
  await system.until('nearly everything is released', async () => {
    const [{ held }] = await system.sql('SELECT held FROM ledger WHERE sale_id = $1', [saleId]);
    return held <= bought();
  });
  let releasedAtMs = 0;
  await system.until(
    'everything is released',
    async () => {
      const [row] = await system.sql(
        `SELECT EXISTS (SELECT FROM orders WHERE state = 'confirmed' AND hold_until <= now()) AS due,
                EXISTS (SELECT FROM orders WHERE gate_epoch IS NOT NULL) AS untold,
                floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms`,
      );
      releasedAtMs = row.now_ms;
      return !row.due && !row.untold;
    },
    { everyMs: 20 },
  );
  return releasedAtMs;
}

/** From the first transaction's beginning to the last one's. */
async function committedWithin(/** @type {BenchSystem} */ system, /** @type {Sale} */ { saleId }) {
  const [row] = await system.sql(
    `SELECT extract(epoch FROM max(decided_at) - min(decided_at))::float8 * 1000 AS within_ms
     FROM orders WHERE sale_id = $1 AND state = 'expired'`,
    [saleId],
  );
  return { withinMs: Math.max(1, row.within_ms) };
}

/** @returns {Promise<number[]>} in ms, of what was bought while the others expired */
async function waitsForConfirmation(
  /** @type {BenchSystem} */ system,
  /** @type {Sale} */ { saleId },
  /** @type {Date} */ since,
) {
  const rows = await system.sql(
    `SELECT extract(epoch FROM decided_at - accepted_at)::float8 * 1000 AS wait_ms
     FROM orders WHERE sale_id = $1 AND state = 'confirmed' AND accepted_at >= $2`,
    [saleId, since],
  );
  return rows.map(({ wait_ms }) => wait_ms);
}

/** Ends the rest, then: nothing held, every unit back at the gate, every order ended once and told of once. */
async function proveBalance(
  /** @type {BenchSystem} */ system,
  /** @type {Sale} */ sale,
  /** @type {{ orders: number, accepted: number }} */ { orders, accepted },
) {
  const { saleId } = sale;
  await system.sql("UPDATE orders SET hold_until = now() WHERE sale_id = $1 AND state = 'confirmed'", [
    saleId,
  ]);
  await everythingReleased(system, sale, () => 0);
  await everythingSettled(system, sale, 0);
  const [ledger] = await system.sql('SELECT * FROM ledger WHERE sale_id = $1', [saleId]);
  const [{ available }] = await system.gateOf(sale);
  const [counts] = await system.sql(
    `SELECT count(*)::integer AS total, (count(*) FILTER (WHERE state = 'expired'))::integer AS expired,
            (count(*) FILTER (WHERE jsonb_array_length(history) = 1))::integer AS once
     FROM orders WHERE sale_id = $1`,
    [saleId],
  );
  const found = { ...counts, held: ledger.held, sold: ledger.sold, parked: ledger.parked, available };
  const total = orders + accepted;
  const wanted = {
    total,
    expired: total,
    once: total,
    held: 0,
    sold: 0,
    parked: 0,
    available: orders + SPARE,
  };
  for (const [what, value] of Object.entries(wanted)) {
    if (found[what] !== value) throw new SetUpError(`not valid: ${what} is ${found[what]}, not ${value}`);
  }
}

/** @param {BenchSystem} system @returns {Promise<import('./histogram.mjs').Histogram>} */
async function lockTimesOf(system) {
  return histogramOf(await system.metricsOf('orders'), 'flux_expiry_lock_seconds');
}
