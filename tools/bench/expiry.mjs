import { randomBytes } from 'node:crypto';

import { SetUpError, pause } from '../stack/run.mjs';
import { Buyer } from './buyer.mjs';
import { percentile } from './result.mjs';

const ORDERS = 100_000;
const BUYERS = 64;
/** Meanwhile, and of the same item, so that expiry and purchases want the same ledger row. */
const PURCHASES_PER_SECOND = 200;
/** Stock for those. */
const SPARE = 60_000;
const HOLD_MS = 3_600_000;
/** From the moment that is set to the one at which all are due; the table is vacuumed in between. */
const DUE_IN_MS = 20_000;
const BEFORE_MS = 3_000;

/**
 * Many held orders expire at once while purchases go on. Released means committed in PostgreSQL and told to the gate.
 *
 * @param {{ orders?: number }} options
 * @returns {import('./bench.mjs').Bench}
 */
export function expiry({ orders = ORDERS }) {
  return {
    name: 'expiry',
    rounds: 3,
    round: (system, log) => round({ system, orders, log }),
    bars: [
      { metric: 'released', atLeast: 5_000 },
      { metric: 'longest lock of an item', atMost: 1_000 },
    ],
  };
}

/**
 * @param {{ system: import('./system.mjs').BenchSystem, orders: number, log: (line: string) => void }} options
 * @returns {Promise<import('./result.mjs').Measured[]>}
 */
async function round({ system, orders, log }) {
  const run = randomBytes(4).toString('hex');
  const item = { saleId: `expiry-${run}`, productId: `product-${run}` };
  await openSale(system, item, orders + SPARE);
  const buyer = new Buyer({ gatewayUrl: system.gatewayUrl, ...item, connections: 512 });
  try {
    log(`  buys ${orders} units`);
    await buyer.buyAll(orders, BUYERS);
    await everythingSettled(system, item, orders);

    const dueAtMs = await makeDue(system, item);
    const before = lockTimesOf(await system.ordersMetrics());
    await pause(dueAtMs - BEFORE_MS - Date.now());
    const stopBuying = buyer.buySteadily(PURCHASES_PER_SECOND);
    const startedAt = Date.now();
    await pause(dueAtMs - Date.now());
    const releasedAtMs = await everythingReleased(system, item, () => buyer.asked - orders);
    const purchases = await stopBuying();
    const boughtForMs = Date.now() - startedAt;
    const locks = difference(lockTimesOf(await system.ordersMetrics()), before);
    const committed = await committedWithin(system, item);
    const accepted = purchases.filter(({ status }) => status === 202);
    log(`  released in ${releasedAtMs - dueAtMs} ms, ${accepted.length} purchases meanwhile`);

    await everythingSettled(system, item, accepted.length);
    const waits = await waitsForConfirmation(system, item, new Date(dueAtMs));
    await proveBalance(system, item, { orders, accepted: accepted.length });

    const times = accepted.map(({ tookMs }) => tookMs);
    return [
      { metric: 'released', unit: '/s', value: (orders * 1_000) / (releasedAtMs - dueAtMs) },
      { metric: 'committed in PostgreSQL', unit: '/s', value: (orders * 1_000) / committed.withinMs },
      { metric: 'batches', unit: '', value: locks.count },
      { metric: 'lock of an item, mean', unit: 'ms', value: (locks.sumSeconds * 1_000) / locks.count },
      { metric: 'longest lock of an item', unit: 'ms at most', value: locks.longestSeconds * 1_000 },
      { metric: 'purchases asked for meanwhile', unit: '/s', value: PURCHASES_PER_SECOND },
      { metric: 'purchases accepted meanwhile', unit: '/s', value: (accepted.length * 1_000) / boughtForMs },
      { metric: 'purchases not accepted', unit: '', value: purchases.length - accepted.length },
      { metric: 'purchase answered, median', unit: 'ms', value: percentile(times, 0.5) },
      { metric: 'purchase answered, p99', unit: 'ms', value: percentile(times, 0.99) },
      { metric: 'accepted to confirmed, median', unit: 'ms', value: percentile(waits, 0.5) },
      { metric: 'accepted to confirmed, p99', unit: 'ms', value: percentile(waits, 0.99) },
    ];
  } finally {
    buyer.close();
  }
}

/**
 * @typedef {{ saleId: string, productId: string }} Item
 * @typedef {import('./system.mjs').BenchSystem} BenchSystem
 */

/** @param {BenchSystem} system @param {Item} item @param {number} stock */
async function openSale({ operator }, { saleId, productId }, stock) {
  await operator.must('POST', '/admin/v1/sales', {
    id: saleId,
    name: 'Expiry',
    opensAt: new Date().toISOString(),
    closesAt: new Date(Date.now() + 4 * HOLD_MS).toISOString(),
    holdMs: HOLD_MS,
    items: [{ productId, name: 'A unit', priceMinor: 100, currency: 'EUR', stock, perShopperLimit: 1 }],
  });
  await operator.must('POST', `/admin/v1/sales/${saleId}/open`);
}

/** Everything accepted is confirmed, and nothing is under way that would be measured with the rest. */
async function everythingSettled(
  /** @type {BenchSystem} */ system,
  /** @type {Item} */ item,
  /** @type {number} */ held,
) {
  await system.until(`${held} orders are held and their events published`, async () => {
    const [row] = await system.sql(
      `SELECT held, EXISTS (SELECT FROM order_events) AS queued FROM ledger WHERE sale_id = $1`,
      [item.saleId],
    );
    if (row.held > held) throw new SetUpError(`${row.held} orders are held, and only ${held} were accepted`);
    return row.held === held && !row.queued && (await gateOf(system, item)).outboxLength === 0;
  });
}

/** @returns {Promise<number>} when all holds of the item run out, by the clock of this machine, as PostgreSQL's */
async function makeDue(/** @type {BenchSystem} */ system, /** @type {Item} */ { saleId }) {
  const [{ due }] = await system.sql("SELECT now() + $1 * interval '1 millisecond' AS due", [DUE_IN_MS]);
  await system.sql("UPDATE orders SET hold_until = $2 WHERE sale_id = $1 AND state = 'confirmed'", [
    saleId,
    due,
  ]);
  // So that what is measured is not what this update left behind.
  await system.sql('VACUUM (ANALYZE) orders');
  if (Date.now() > due.getTime() - BEFORE_MS) throw new SetUpError('the orders are due too early: not valid');
  return due.getTime();
}

/**
 * Asks for one row while much is left: what is due would be looked for among all that has just ended.
 *
 * @param {BenchSystem} system
 * @param {Item} item
 * @param {() => number} bought how many orders may still be held, because they were bought meanwhile
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
async function committedWithin(/** @type {BenchSystem} */ system, /** @type {Item} */ { saleId }) {
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
  /** @type {Item} */ { saleId },
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
  /** @type {Item} */ item,
  /** @type {{ orders: number, accepted: number }} */ { orders, accepted },
) {
  const { saleId } = item;
  await system.sql("UPDATE orders SET hold_until = now() WHERE sale_id = $1 AND state = 'confirmed'", [
    saleId,
  ]);
  await everythingReleased(system, item, () => 0);
  await everythingSettled(system, item, 0);
  const [ledger] = await system.sql('SELECT * FROM ledger WHERE sale_id = $1', [saleId]);
  const { available } = await gateOf(system, item);
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

/** @returns {Promise<any>} the gate's counters of the item */
async function gateOf(/** @type {BenchSystem} */ { operator }, /** @type {Item} */ { saleId }) {
  const sale = await operator.must('GET', `/admin/v1/sales/${saleId}`);
  return sale.items[0].gate;
}

/** @typedef {{ count: number, sumSeconds: number, buckets: Map<number, number> }} LockTimes */

/** @param {string} metrics @returns {LockTimes} */
function lockTimesOf(metrics) {
  const NAME = 'flux_expiry_lock_seconds';
  const value = (/** @type {string} */ name) =>
    Number(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(metrics)?.[1] ?? 0);
  const buckets = new Map(
    [...metrics.matchAll(new RegExp(`^${NAME}_bucket\\{[^}]*le="([^"]+)"[^}]*\\} (\\S+)$`, 'gm'))].map(
      ([, upTo, count]) => [upTo === '+Inf' ? Number.POSITIVE_INFINITY : Number(upTo), Number(count)],
    ),
  );
  return { count: value(`${NAME}_count`), sumSeconds: value(`${NAME}_sum`), buckets };
}

/** @param {LockTimes} after @param {LockTimes} before */
function difference(after, before) {
  const count = after.count - before.count;
  const bounds = [...after.buckets.keys()].sort((a, b) => a - b);
  const longestSeconds = bounds.find(
    (upTo) => (after.buckets.get(upTo) ?? 0) - (before.buckets.get(upTo) ?? 0) === count,
  );
  if (count === 0 || longestSeconds === undefined) throw new SetUpError('no batch was measured');
  return { count, sumSeconds: after.sumSeconds - before.sumSeconds, longestSeconds };
}
