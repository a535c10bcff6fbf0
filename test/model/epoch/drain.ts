import { brokenAtRest, isAtRest } from './invariants';
import { keyOf, type State } from './state';
import type { Bounds, Context } from './rules';
import { progress } from './transitions';

/** More than the longest way to rest that was ever needed. */
const MOST_STEPS = 120;

/**
 * Nothing goes wrong any more, nobody buys, and everybody works until nothing is left to do.
 * @returns why the state does not come to rest, or what is wrong there; undefined where all is well
 */
export function brokenAfterDrain(state: State, context: Context): string | undefined {
  const healed = calm(context);
  let now: State = { ...state, zombie: undefined, left: { ...state.left, crashes: 0, rebuilds: MOST_STEPS } };
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const next = progress(now, healed).find(([, after]) => isAnother(after, now));
    if (next === undefined) break;
    now = next[1];
  }
  if (!isAtRest(now)) return 'it does not come to rest';
  return brokenAtRest(now, context.bounds);
}

function calm({ bounds, rules }: Context): Context {
  const healed: Bounds = { ...bounds, messages: MOST_STEPS, copies: 1, rebuilders: 1 };
  return { bounds: healed, rules };
}

/** That somebody repeats to the gate what it has heard before is no progress. */
function isAnother(after: State, before: State): boolean {
  return keyOf({ ...after, settlement: undefined }) !== keyOf({ ...before, settlement: undefined });
}
