import { brokenBy, brokenIn } from './invariants';
import type { Context } from './rules';
import { keyOf, type State } from './state';
import { initialState, stepsOf } from './transitions';

export interface Exploration {
  readonly states: number;
  readonly steps: number;
  /** Steps on the longest of the shortest ways to a state. */
  readonly depth: number;
  /** The shortest way to something that must not be. */
  readonly counterexample: Counterexample | undefined;
}

export interface Counterexample {
  readonly broken: string;
  readonly trace: readonly string[];
}

/** A state of the frontier, with its place in the arrays that lead back. */
interface Found {
  readonly state: State;
  readonly place: number;
}

/**
 * Every state that can be reached, breadth first, each once. Memory: a text per state, whole states only of the
 * frontier.
 * @param visit is called with every state
 */
export function explore(
  context: Context,
  visit: (state: State) => string | undefined = nothing,
): Exploration {
  const first = initialState(context.bounds);
  const seen = new Set([keyOf(first)]);
  const parents: number[] = [-1];
  const names: string[] = [''];
  let frontier: Found[] = [{ state: first, place: 0 }];
  let steps = 0;
  let depth = 0;
  const traceTo = (place: number): string[] => {
    const parent = parents[place] ?? -1;
    return parent === -1 ? [] : [...traceTo(parent), names[place] ?? ''];
  };
  while (frontier.length > 0) {
    const following: Found[] = [];
    for (const { state, place } of frontier) {
      for (const [name, after] of stepsOf(state, context)) {
        steps += 1;
        const key = keyOf(after);
        if (seen.has(key)) continue;
        seen.add(key);
        parents.push(place);
        names.push(name);
        const found = { state: after, place: parents.length - 1 };
        const broken = brokenBy(state, after) ?? brokenIn(after, context.bounds) ?? visit(after);
        if (broken !== undefined) {
          const trace = traceTo(found.place);
          return { states: seen.size, steps, depth: depth + 1, counterexample: { broken, trace } };
        }
        following.push(found);
      }
    }
    if (following.length > 0) depth += 1;
    frontier = following;
  }
  return { states: seen.size, steps, depth, counterexample: undefined };
}

/** For a person; empty where there is none. */
export function wayTo(counterexample: Counterexample | undefined): string {
  if (counterexample === undefined) return '';
  return [...counterexample.trace, `=> ${counterexample.broken}`].join('\n');
}

function nothing(): undefined {
  return undefined;
}
