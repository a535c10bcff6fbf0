import { slicesOf } from '@flux/gate';

/** Items asked for at once: enough to share round trips and syncs, few enough for the command timeout. */
const SLICE = 100;

export function inSlices<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return slicesOf(items, SLICE);
}
