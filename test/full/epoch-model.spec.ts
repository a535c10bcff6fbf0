import { LARGE } from '../model/epoch/bounds';
import { brokenAfterDrain } from '../model/epoch/drain';
import { explore, wayTo } from '../model/epoch/explore';
import { DESIGN } from '../model/epoch/rules';

/** As test/model/epoch/epoch.spec.ts, within larger bounds: up to half a million states, each of which is 300 bytes. */
jest.setTimeout(300_000);

const DRAINED_OF = 500;

it.each(LARGE)('$name', (bounds) => {
  const context = { bounds, rules: DESIGN };
  let visited = 0;
  const { counterexample } = explore(context, (state) => {
    visited += 1;
    return visited % DRAINED_OF === 0 ? brokenAfterDrain(state, context) : undefined;
  });
  expect(wayTo(counterexample)).toBe('');
});
