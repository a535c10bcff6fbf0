import { SMALL } from './bounds';
import { brokenAfterDrain } from './drain';
import { explore, wayTo } from './explore';
import { MUTATIONS } from './mutations';
import { DESIGN } from './rules';
import { keyOf } from './state';
import { initialState } from './transitions';

/**
 * Epochs, rebuilds and zombies, every interleaving within small bounds. What is modelled and what is not: README.md beside this.
 * FLUX_MODEL_TRACES=1 prints the shortest way to what each mutation breaks.
 */

/** Each is brought to rest, which costs as much as fifty steps. */
const DRAINED_OF = 50;

describe('whatever happens in whatever order', () => {
  it.each(SMALL)('$name', (bounds) => {
    const context = { bounds, rules: DESIGN };
    let visited = 0;
    const { counterexample, states } = explore(context, (state) => {
      visited += 1;
      return visited % DRAINED_OF === 0 ? brokenAfterDrain(state, context) : undefined;
    });
    expect(wayTo(counterexample)).toBe('');
    // Bounds in which nothing can happen prove nothing.
    expect(states).toBeGreaterThan(400);
  });
});

describe('it would be found out if', () => {
  it.each(MUTATIONS)('$mutation', ({ mutation, rules, bounds, finds }) => {
    const { counterexample } = explore({ bounds, rules: { ...DESIGN, ...rules } });
    if (process.env['FLUX_MODEL_TRACES'] === '1') {
      process.stdout.write(`${mutation}:\n${wayTo(counterexample)}\n\n`);
    }
    expect(counterexample?.broken).toMatch(finds);
  });

  it('has a mutation for every rule', () => {
    const mutated = MUTATIONS.flatMap(({ rules }) => Object.keys(rules));
    expect(mutated.sort()).toEqual(Object.keys(DESIGN).sort());
  });
});

it('tells states apart by everything they hold', () => {
  const [bounds] = SMALL;
  const state = initialState(bounds!);
  const others = [
    { ...state, gate: undefined },
    { ...state, zombie: state.gate },
    { ...state, snapshot: state.gate },
    { ...state, log: [{ epoch: 1, sequence: 1, orderId: 'a' }] },
    { ...state, applied: 1 },
    { ...state, committed: 1 },
    { ...state, ledger: { ...state.ledger, sold: 1 } },
    { ...state, promised: { a: 1 } },
  ];
  expect(new Set([state, ...others].map(keyOf)).size).toBe(others.length + 1);
});
