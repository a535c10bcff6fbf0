import { classesOf } from './shoppers.mjs';

/** What "at the same time" means, in one region. */
export const EPSILON_MS = 50;
const WINDOW_MS = 1_000;
/** What a metric has to reach, by GUARANTEES.md. */
const BARS = { inversions: 0.001, tauSeq: 0.999, tauSent: 0.99, jain: 0.99, ratio: 1.05, overRate: 1.02 };

/** Admitted of a class, on average. */
const FEWEST = 60;

/**
 * One line of the table. Without a bar it is only reported.
 *
 * @typedef {{ metric: string, value: number, unit?: string, bar?: string, met?: boolean }} Row
 *
 * @typedef {import('./shoppers.mjs').Visit} Visit
 * @typedef {import('./metrics.mjs').Metrics} Metrics
 */

/** @param {string} metric @param {number} value @param {number} most @returns {Row} */
export function atMost(metric, value, most, unit = '') {
  return { metric, value, unit, bar: `<= ${most}`, met: value <= most };
}

/** @param {string} metric @param {number} value @param {number} least @returns {Row} */
export function atLeast(metric, value, least, unit = '') {
  return { metric, value, unit, bar: `>= ${least}`, met: value >= least };
}

/**
 * The line after the opening: everything that order tells.
 *
 * @param {Metrics} metrics
 * @param {readonly Visit[]} visits
 * @returns {Row[]}
 */
export function judgeOrder(metrics, visits) {
  const { sent, come, places, admitted } = listsOf(visits);
  const bySending = metrics.epsilonInversions({ sent, admitted }, EPSILON_MS);
  const behind = metrics.epsilonInversions({ sent, come, admitted }, 0);
  const overtaken = metrics.overtakings({ sent, admitted }, EPSILON_MS);
  return [
    atMost('inversions beyond 50 ms, of all such pairs', bySending.share, BARS.inversions),
    { metric: 'inversions beyond 50 ms', value: bySending.inversions, unit: `of ${bySending.pairs} pairs` },
    atMost('inversions behind an answer', behind.inversions, 0),
    atLeast("Kendall's tau-b, place to admission", metrics.kendallTauB(places, admitted), BARS.tauSeq),
    atLeast("Kendall's tau-b, sending to admission", metrics.kendallTauB(sent, admitted), BARS.tauSent),
    { metric: 'overtaken by, at most', value: max(overtaken), unit: 'shoppers' },
    { metric: 'overtaken by, p99', value: percentile(overtaken, 0.99), unit: 'shoppers' },
    atMost('passes good from before their shopper joined', visits.filter(isGoodBefore).length, 0),
    atMost('starvation, at most', max(metrics.starvation(places, admitted)), 0, 'admissions'),
  ];
}

/** Turns that were saved up while nobody wanted them. The one time is told in whole milliseconds. */
function isGoodBefore(/** @type {Visit} */ { goodFromMs = Infinity, joinedAtUs }) {
  return goodFromMs + 1 < joinedAtUs / 1_000;
}

/**
 * @param {Metrics} metrics
 * @param {readonly Visit[]} visits
 * @param {number} ratePerSecond
 * @returns {Row}
 */
export function judgeRate(metrics, visits, ratePerSecond) {
  const most = metrics.mostInWindow(listsOf(visits).admitted, WINDOW_MS);
  // Both ends of the window are in it.
  const bar = Math.floor(ratePerSecond * BARS.overRate) + 1;
  return atMost(`admitted in any second, at a rate of ${ratePerSecond}`, most, bar);
}

/** What is reported, and not asked for. @param {Row} row @returns {Row} */
export function withoutBar({ metric, value, unit }) {
  return { metric, value, unit };
}

/**
 * Everybody who had a turn among the first ones, or at all, of each class. No bar is asked of a few: there one shopper more
 * is more than 5 %.
 *
 * @param {Metrics} metrics
 * @param {string} what
 * @param {readonly Visit[]} visits
 * @param {(visit: Visit) => boolean} isAdmitted
 * @returns {Row[]}
 */
export function judgeClasses(metrics, what, visits, isAdmitted) {
  const byRespect = [0, 1, 2].map((respect) => {
    const members = visits.map((visit) => ({
      className: classesOf(visit.way)[respect],
      isAdmitted: isAdmitted(visit),
    }));
    const perClass =
      members.filter(({ isAdmitted }) => isAdmitted).length /
      new Set(members.map(({ className }) => className)).size;
    return { shares: [...metrics.admittedShares(members).values()], perClass };
  });
  const shares = byRespect.map((one) => one.shares);
  const rows = [
    atLeast(`${what}: Jain's index, least`, Math.min(...shares.map(metrics.jainIndex)), BARS.jain),
    atMost(`${what}: largest ratio`, Math.max(...shares.map(metrics.maxRatio)), BARS.ratio),
  ];
  return byRespect.every(({ perClass }) => perClass >= FEWEST) ? rows : rows.map(withoutBar);
}

/** Those who had their turn in the first half of all admissions. @param {readonly Visit[]} visits */
export function firstHalf(visits) {
  const times = listsOf(visits).admitted.toSorted((a, b) => (a < b ? -1 : 1));
  const middle = times[times.length >> 1];
  return (/** @type {Visit} */ { goodFromMs = Infinity }) => goodFromMs < middle;
}

/** What was not as planned, and how long a pass lay ready. @param {readonly Visit[]} visits @returns {Row[]} */
export function tellCourse(visits) {
  const late = visits.map(({ sentMs, dueMs }) => sentMs - dueMs);
  const answered = visits.map(({ sentMs, answeredMs }) => answeredMs - sentMs);
  const sum = (/** @type {(visit: Visit) => number} */ of) =>
    visits.reduce((all, visit) => all + of(visit), 0);
  const got = pickUpMs(visits);
  const of = (/** @type {boolean} */ follows) => got.filter(({ way }) => way.follows === follows);
  return [
    { metric: 'sent later than planned, p99', value: percentile(late, 0.99), unit: 'ms' },
    { metric: 'joined, answered in, p50', value: percentile(answered, 0.5), unit: 'ms' },
    { metric: 'joined, answered in, p99', value: percentile(answered, 0.99), unit: 'ms' },
    ...[false, true].map((follows) => ({
      metric: `pass lay ready for, p99, ${follows ? 'by events' : 'by looks'}`,
      value: percentile(
        of(follows).map(({ ms }) => ms),
        0.99,
      ),
      unit: 'ms',
    })),
    { metric: 'asked again after 503 or no answer', value: sum(({ retries }) => retries), unit: 'times' },
    { metric: 'places lost and joined anew', value: sum(({ rejoins }) => rejoins), unit: 'times' },
    { metric: 'looks refused as too early', value: sum(({ early }) => early), unit: 'times' },
  ];
}

/** The clocks of the harness and of Redis are the machine's: their distance is that of the soonest pass. */
function pickUpMs(/** @type {readonly Visit[]} */ visits) {
  return visits
    .filter(({ goodFromMs }) => goodFromMs !== undefined)
    .map(({ way, passAtMs = 0, goodFromMs = 0 }) => ({
      way,
      ms: passAtMs + performance.timeOrigin - goodFromMs,
    }));
}

/** @param {readonly Visit[]} visits */
export function listsOf(visits) {
  return {
    sent: visits.map(({ sentMs }) => sentMs),
    come: visits.map(({ answeredMs }) => answeredMs),
    places: visits.map(({ joinedAtUs }) => joinedAtUs),
    admitted: visits.map(({ goodFromMs = Infinity }) => goodFromMs),
  };
}

/** @param {readonly number[]} values */
export function max(values) {
  return values.reduce((most, value) => Math.max(most, value), 0);
}

/** @param {readonly number[]} values @param {number} share */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
