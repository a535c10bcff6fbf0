import { execFileSync } from 'node:child_process';
import { cpus, platform, release, totalmem } from 'node:os';

/**
 * One number of one round.
 *
 * @typedef {{ metric: string, unit: string, value: number }} Measured
 *
 * What the median of a metric has to reach.
 *
 * @typedef {{ metric: string, atLeast: number } | { metric: string, atMost: number }} Bar
 *
 * @typedef {{ metric: string, unit: string, median: number, min: number, max: number }} Row
 * @typedef {{ metric: string, bar: string, measured: number, met: boolean }} JudgedBar
 */

/**
 * @param {readonly (readonly Measured[])[]} rounds each with the same metrics
 * @param {readonly Bar[]} bars
 * @returns {{ rows: Row[], bars: JudgedBar[] }}
 */
export function summaryOf(rounds, bars) {
  const rows = (rounds[0] ?? []).map(({ metric, unit }) => {
    const values = rounds.map((round) => valueOf(round, metric)).sort((a, b) => a - b);
    const median = (at(values, (values.length - 1) >> 1) + at(values, values.length >> 1)) / 2;
    return { metric, unit, median: rounded(median), min: at(values, 0), max: at(values, values.length - 1) };
  });
  return { rows, bars: bars.map((bar) => judge(bar, rows)) };
}

/** @param {Bar} bar @param {readonly Row[]} rows @returns {JudgedBar} */
function judge(bar, rows) {
  const row = rows.find(({ metric }) => metric === bar.metric);
  if (!row) throw new Error(`nothing was measured for ${bar.metric}`);
  const measured = row.median;
  return 'atLeast' in bar
    ? { metric: bar.metric, bar: `>= ${bar.atLeast} ${row.unit}`, measured, met: measured >= bar.atLeast }
    : { metric: bar.metric, bar: `<= ${bar.atMost} ${row.unit}`, measured, met: measured <= bar.atMost };
}

/** @param {readonly Measured[]} round @param {string} metric */
function valueOf(round, metric) {
  const found = round.find((measured) => measured.metric === metric);
  if (!found) throw new Error(`a round lacks ${metric}`);
  return rounded(found.value);
}

/** @param {readonly number[]} values @param {number} index */
function at(values, index) {
  return values[index] ?? Number.NaN;
}

/** To four digits: more say nothing. @param {number} value */
function rounded(value) {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4));
}

/**
 * @param {readonly number[]} values
 * @param {number} share 0.99 for the 99th percentile
 */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return at(sorted, Math.max(0, Math.ceil(sorted.length * share) - 1));
}

/** @returns {string} the commit, marked where files differ from it */
export function readCommit(/** @type {string} */ root) {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' with changes'}`;
  } catch {
    return 'unknown';
  }
}

export function describeMachine() {
  const cores = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cores.length} x ${cores[0]?.model ?? 'unknown'}, ${memory}, ${platform()} ${release()}, Node ${process.versions.node}`;
}

/**
 * @param {{ name: string, commit: string, machine: string, rounds: number, rows: readonly Row[], bars: readonly JudgedBar[] }} result
 * @param {(line: string) => void} log
 */
export function printTable({ name, commit, machine, rounds, rows, bars }, log) {
  log(`\n${name}, commit ${commit}, ${rounds} round${rounds === 1 ? '' : 's'}\n${machine}\n`);
  const width = Math.max(...rows.map(({ metric }) => metric.length));
  log(`${''.padEnd(width)}  ${['median', 'min', 'max'].map((head) => head.padStart(10)).join('')}`);
  for (const { metric, unit, median, min, max } of rows) {
    const numbers = [median, min, max].map((value) => String(value).padStart(10)).join('');
    log(`${metric.padEnd(width)}  ${numbers}  ${unit}`);
  }
  log('');
  for (const { metric, bar, measured, met } of bars) {
    log(`${met ? 'met    ' : 'NOT MET'}  ${metric}: ${measured}, bar ${bar}`);
  }
}
