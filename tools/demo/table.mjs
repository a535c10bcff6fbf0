import { percentiles } from './tally.mjs';

/**
 * @param {{ tally: import('./tally.mjs').Tally, buyers: import('./buyers.mjs').Buyers,
 *   secondWave: import('./tally.mjs').Tally, sold: number }} run
 * @returns {string}
 */
export function formatTable({ tally, buyers, secondWave, sold }) {
  const [median, slow] = tally.percentilesMs(0.5, 0.99);
  const [confirmMedian, confirmSlow] = percentiles(buyers.confirmMs, [0.5, 0.99]);
  const rows = [
    ['attempts', count(tally.attempts), `${rate(tally.attempts, tally.elapsedMs)} a second`],
    [
      'accepted',
      count(tally.accepted),
      `${rate(tally.accepted, tally.sellingMs)} a second until the last one`,
    ],
    ['replayed', count(tally.replayed), 'repeats of an accepted key: the first answer again'],
    ['sold out', count(tally.soldOut), ''],
    ['shopper limit', count(tally.limit), 'second tries of shoppers who had theirs'],
    ['errors', count(tally.errors), ''],
    ...[...tally.errorsByKind].map(([kind, number]) => [`  ${kind}`, count(number), '']),
    ['answer, p50', `${median.toFixed(1)} ms`, ''],
    ['answer, p99', `${slow.toFixed(1)} ms`, ''],
    [
      'confirmed, p50',
      `${count(Math.round(confirmMedian))} ms`,
      'in PostgreSQL, after the gate had accepted it',
    ],
    ['confirmed, p99', `${count(Math.round(confirmSlow))} ms`, ''],
    ['cancelled', count(buyers.cancelled), 'by their shoppers'],
    ['expired', count(buyers.expired), 'nobody paid in time'],
    ...(buyers.late === 0 ? [] : [['paid too late', count(buyers.late), 'the money goes back']]),
    ['sold again', count(secondWave.acceptedOrders), 'units that had come back, to a second wave'],
    ['paid', count(buyers.paid), `orders; ${count(sold)} units are sold`],
  ];
  return alignRows(rows);
}

/** @param {readonly (readonly string[])[]} rows name, value and note of each */
export function alignRows(rows) {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, value, note]) => `  ${name.padEnd(width)}  ${value.padStart(10)}  ${note}`.trimEnd())
    .join('\n');
}

/** @param {number} number */
export function count(number) {
  return number.toLocaleString('en');
}

/**
 * @param {number} number
 * @param {number} elapsedMs
 */
function rate(number, elapsedMs) {
  return count(Math.round((number * 1_000) / Math.max(1, elapsedMs)));
}
