import { FIRST_STATES, ORDER_LIFE_CYCLE, ORDER_STATES, statusOfState } from '@flux/contracts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateLetter } from './order-record';

/** RANKS as record-changes.lua spells them. */
function ranksOfScript(): ReadonlyMap<string, number> {
  const source = readFileSync(join(__dirname, 'scripts/includes/record-changes.lua'), 'utf8');
  const [, table = ''] = /^local RANKS = \{(.*)\}$/m.exec(source) ?? [];
  return new Map(
    table.split(',').map((entry) => {
      const [name = '', rank] = entry.split('=').map((part) => part.trim());
      return [name.replace(/^\['(.)'\]$/, '$1'), Number(rank)];
    }),
  );
}

const ranks = ranksOfScript();

function rankOf(state: (typeof ORDER_STATES)[number]): number {
  return ranks.get(stateLetter(statusOfState(state))) ?? Number.NaN;
}

const transitions = ORDER_STATES.flatMap((state) =>
  Object.values<(typeof ORDER_STATES)[number]>(ORDER_LIFE_CYCLE[state]).map((next) => [state, next] as const),
);

it('knows transitions to compare', () => {
  expect(transitions.length).toBeGreaterThan(5);
});

it.each(transitions)('lets a record go from %s to %s', (state, next) => {
  expect(rankOf(next)).toBeGreaterThan(rankOf(state));
});

it.each(FIRST_STATES)('lets a record without a state of its own become %s', (state) => {
  expect(rankOf(state)).toBeGreaterThan(ranks.get('-') ?? Number.NaN);
});

it('never lets a paid record go back', () => {
  for (const state of ORDER_STATES) expect(rankOf('paid')).toBeGreaterThanOrEqual(rankOf(state));
});
