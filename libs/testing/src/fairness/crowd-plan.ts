import { createHash } from 'node:crypto';

/** One shopper of a simulated crowd. */
export interface PlannedShopper {
  /** When they come, in milliseconds from the beginning. */
  readonly atMs: number;
  /** Of `classes`. Every class is equally large, and comes equally early. */
  readonly classIndex: number;
}

/** What a crowd is made of: the same options give the same crowd. */
export interface CrowdOptions {
  readonly amount: number;
  readonly perSecond: number;
  readonly classes: number;
  readonly seed: string;
}

/**
 * Who comes when: a Poisson process, as shoppers come who know nothing of each other, scaled to exactly this rate. One of
 * each class is among any `classes` that come in a row, in an order by chance: what differs between classes is no luck.
 */
export function planCrowd({ amount, perSecond, classes, seed }: CrowdOptions): readonly PlannedShopper[] {
  const random = seededRandom(seed);
  const gaps = Array.from({ length: amount }, () => -Math.log(1 - random()));
  const scale = (amount * 1_000) / perSecond / gaps.reduce((sum, gap) => sum + gap, 0);
  let atMs = 0;
  let deck: number[] = [];
  return gaps.map((gap) => {
    atMs += gap * scale;
    if (deck.length === 0) deck = Array.from({ length: classes }, (_, index) => index);
    const [classIndex = 0] = deck.splice(Math.floor(random() * deck.length), 1);
    return { atMs, classIndex };
  });
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readInt32LE();
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
