import { loadMetrics } from '../fairness/metrics.mjs';
import { alignRows, count } from './table.mjs';
import { percentiles } from './tally.mjs';

/** The room goes on within so long after the first one was sent to it. */
const SWITCHING_MS = 500;

/**
 * @param {{ visits: readonly import('./line-shoppers.mjs').Visit[], sold: number }} run
 * @returns {{ table: string, isFair: boolean }}
 */
export function formatLine({ visits, sold }) {
  const { epsilonInversions, kendallTauB } = loadMetrics();
  const ended = (/** @type {string} */ end) => visits.filter((visit) => visit.end === end);
  const queued = visits.filter(({ joinedAt }) => joinedAt !== undefined);
  const called = queued.filter(({ calledAt }) => calledAt !== undefined);
  const admitted = called.map(({ calledAt = 0 }) => calledAt);
  // A pair counts where one asked for a place after the other had theirs: no delay of network or machine excuses it.
  const passage = {
    sent: called.map(({ joiningAt = 0 }) => joiningAt),
    come: called.map(({ joinedAt = 0 }) => joinedAt),
    admitted,
  };
  const { inversions, pairs } = epsilonInversions(passage, 0);
  const places = called.map(({ stampAt = 0 }) => stampAt);
  const waits = called.map(({ turnAt = 0, joinedAt = 0 }) => (turnAt - joinedAt) / 1_000);
  const [median, slow] = percentiles(waits, [0.5, 0.99]);
  const [place, far] = percentiles(
    queued.map(({ place: at = 0 }) => at),
    [0.5, 1],
  );
  const firstQueued = Math.min(...queued.map(({ joinedAt = 0 }) => joinedAt));
  const stolen = ended('outside').filter(({ sentAt }) => sentAt > firstQueued + SWITCHING_MS).length;
  const isFair = inversions === 0 && stolen === 0;
  const rows = [
    ['shoppers', count(visits.length), ''],
    ['bought at once', count(ended('outside').length), 'before the room went on'],
    ['sent to the line', count(queued.length), ''],
    ['bought with a pass', count(ended('inside').length), 'units that came back among them'],
    ['told: sold out', count(ended('soldOut').length), ''],
    ['still waiting', count(ended('none').length), ''],
    ['place when joining, p50', count(place), ''],
    ['place when joining, most', count(far), ''],
    ['wait for the turn, p50', `${median.toFixed(1)} s`, ''],
    ['wait for the turn, p99', `${slow.toFixed(1)} s`, ''],
    [
      'called out of order',
      count(inversions),
      `of ${count(pairs)} pairs of which one joined after the other had`,
    ],
    ['order kept (tau-b)', kendallTauB(places, admitted).toFixed(4), 'of places and turns; 1 is perfect'],
    ['taken past the line', count(stolen), 'units, while somebody waited'],
    ['paid', count(sold), 'units'],
  ];
  return { table: alignRows(rows), isFair };
}
