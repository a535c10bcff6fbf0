/** Items asked for at once: enough to share round trips and syncs, few enough for the command timeout. */
const SLICE = 100;

export function* inSlices<Item>(items: readonly Item[]): Generator<readonly Item[], void, undefined> {
  for (let from = 0; from < items.length; from += SLICE) yield items.slice(from, from + SLICE);
}
