import { createRequire } from 'node:module';

import { alignRows, count } from './table.mjs';
import { percentiles } from './tally.mjs';

/** Whoever came so much later has to wait longer: GUARANTEES, fairness. */
const EPSILON_MS = 50;
const INVERSIONS_AT_MOST = 0.001;

/**
 * @param {{ visits: readonly import('./line-shoppers.mjs').Visit[], sold: number }} run
 * @returns {{ table: string, isFair: boolean }}
 */
export function formatLine({ visits, sold }) {
  const require = createRequire(import.meta.url);
  const {
    epsilonInversions,
    kendallTauB,
    overtakings,
  } = require('../../dist/libs/testing/src/fairness/order.js');
  const ended = (/** @type {string} */ end) => visits.filter((visit) => visit.end === end);
  const queued = visits.filter(({ joinedAt }) => joinedAt !== undefined);
  const called = queued.filter(({ calledAt }) => calledAt !== undefined);
  const sent = called.map(({ sentAt }) => sentAt);
  const admitted = called.map(({ calledAt = 0 }) => calledAt);
  const inversions = epsilonInversions({ sent, admitted }, EPSILON_MS);
  const most = Math.max(0, ...overtakings({ sent, admitted }, EPSILON_MS));
  const waits = called.map(({ turnAt = 0, joinedAt = 0 }) => (turnAt - joinedAt) / 1_000);
  const [median, slow] = percentiles(waits, [0.5, 0.99]);
  const [place, far] = percentiles(
    queued.map(({ place: at = 0 }) => at),
    [0.5, 1],
  );
  const firstQueued = Math.min(...queued.map(({ joinedAt = 0 }) => joinedAt));
  const stolen = ended('outside').filter(({ sentAt }) => sentAt > firstQueued + EPSILON_MS * 10).length;
  const isFair = inversions.share <= INVERSIONS_AT_MOST && stolen === 0;
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
      `${(inversions.share * 100).toFixed(3)} %`,
      `of pairs more than ${EPSILON_MS} ms apart (0.1 % at most)`,
    ],
    ['order kept (tau-b)', kendallTauB(sent, admitted).toFixed(4), '1 is perfect'],
    ['overtaken, most', count(most), 'by shoppers who came later'],
    ['taken past the line', count(stolen), 'units, while somebody waited'],
    ['paid', count(sold), 'units'],
  ];
  return { table: alignRows(rows), isFair };
}
