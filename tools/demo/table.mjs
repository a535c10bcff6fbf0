/**
 * @param {import('./tally.mjs').Tally} tally
 * @param {{ lastInLedgerMs: number | undefined }} times
 * @returns {string}
 */
export function formatTable(tally, { lastInLedgerMs }) {
  const [median, slow] = tally.percentilesMs(0.5, 0.99);
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
      'last in PostgreSQL',
      lastInLedgerMs === undefined ? 'not seen' : `${count(Math.round(lastInLedgerMs))} ms`,
      'after the last order was accepted',
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, value, note]) => `  ${name.padEnd(width)}  ${value.padStart(10)}  ${note}`.trimEnd())
    .join('\n');
}

/** @param {number} number */
function count(number) {
  return number.toLocaleString('en');
}

/**
 * @param {number} number
 * @param {number} elapsedMs
 */
function rate(number, elapsedMs) {
  return count(Math.round((number * 1_000) / Math.max(1, elapsedMs)));
}
