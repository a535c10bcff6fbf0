import { denseRanks, FenwickTree, indexesBy } from './fenwick';

/** Who came when, and was admitted when: parallel lists, one entry a shopper. */
export interface Passage {
  readonly sent: readonly number[];
  /** Infinity for whoever never was. */
  readonly admitted: readonly number[];
  /**
   * From when on somebody counts as having come, by default from when they sent. With the times of the answers only those
   * count as later who sent when the other one had been answered: they must be behind, however slow the machine is.
   */
  readonly come?: readonly number[];
}

export interface EpsilonInversions {
  /** Pairs of which one was sent more than epsilon after the other. */
  readonly pairs: number;
  /** Those of them in which the later one was admitted before the earlier one. */
  readonly inversions: number;
  /** Of all such pairs; 0 where there are none. */
  readonly share: number;
}

/**
 * For each shopper by how many they were overtaken: sent more than epsilon after the shopper had come, and admitted
 * before. One who was admitted overtakes everybody earlier who never was. O(n log n).
 */
export function overtakings({ sent, admitted, come = sent }: Passage, epsilon: number): readonly number[] {
  const { ranks, distinct } = denseRanks(admitted);
  const later = new FenwickTree(distinct);
  const overtaken = new Array<number>(sent.length).fill(0);
  forEachWithLater({ sent, come }, epsilon, (index, newlyLater) => {
    for (const other of newlyLater) later.add(ranks[other]!);
    overtaken[index] = later.below(ranks[index]!);
  });
  return overtaken;
}

/** How far a line is from first come, first served, for all who came more than epsilon apart. O(n log n). */
export function epsilonInversions(passage: Passage, epsilon: number): EpsilonInversions {
  const { sent, come = sent } = passage;
  let pairs = 0;
  let later = 0;
  forEachWithLater({ sent, come }, epsilon, (_, newlyLater) => {
    later += newlyLater.length;
    pairs += later;
  });
  const inversions = overtakings(passage, epsilon).reduce((sum, count) => sum + count, 0);
  return { pairs, inversions, share: pairs === 0 ? 0 : inversions / pairs };
}

/** Visits shoppers, the one who came last first, each with those who sent later than it and than no visited one. */
function forEachWithLater(
  { sent, come }: { readonly sent: readonly number[]; readonly come: readonly number[] },
  epsilon: number,
  visit: (index: number, newlyLater: readonly number[]) => void,
): void {
  const latestSent = indexesBy(sent).toReversed();
  let seen = 0;
  for (const index of indexesBy(come).toReversed()) {
    const first = seen;
    while (seen < latestSent.length && sent[latestSent[seen]!]! > come[index]! + epsilon) seen += 1;
    visit(index, latestSent.slice(first, seen));
  }
}

/**
 * Kendall's tau-b of two lists, ties counted in neither direction: 1 for the same order, -1 for the opposite one, NaN
 * where one list is all ties. O(n log n): Knight, Journal of the American Statistical Association 61 (1966).
 */
export function kendallTauB(xs: readonly number[], ys: readonly number[]): number {
  const x = denseRanks(xs).ranks;
  const { ranks: y, distinct } = denseRanks(ys);
  const order = xs.map((_, index) => index).sort((a, b) => x[a]! - x[b]! || y[a]! - y[b]!);
  const pairs = pairsOf(xs.length);
  const tiedX = tiedPairs(xs);
  const tiedY = tiedPairs(ys);
  const tiedBoth = tiedPairs(xs.map((_, index) => x[index]! * distinct + y[index]!));

  // Behind a smaller x every larger y of before is a discordant pair; within one x the order by y makes none.
  const before = new FenwickTree(distinct);
  let discordant = 0;
  order.forEach((index, seen) => {
    discordant += seen - before.below(y[index]! + 1);
    before.add(y[index]!);
  });
  const difference = pairs - tiedX - tiedY + tiedBoth - 2 * discordant;
  return difference / Math.sqrt((pairs - tiedX) * (pairs - tiedY));
}

/**
 * For each shopper how many were admitted between the moment in which their turn was due and the one in which they were
 * admitted. The turn is due once as many were admitted as had a place before: whoever is ahead and never comes makes
 * room. O(n log n).
 * @param places in line, by the clock that gave them @param admitted Infinity for who never was
 */
export function starvation(places: readonly number[], admitted: readonly number[]): readonly number[] {
  const ahead = countsBelow(places);
  const before = countsBelow(admitted);
  return places.map((_, index) => Math.max(0, before[index]! - ahead[index]!));
}

/** The most of these times that lie in one window of this length, both of its ends included. */
export function mostInWindow(times: readonly number[], length: number): number {
  const sorted = times.filter((time) => Number.isFinite(time)).sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [index, time] of sorted.entries()) {
    while (sorted[first]! < time - length) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}

/** Of each value how many others are lower. */
function countsBelow(values: readonly number[]): readonly number[] {
  const counts = new Array<number>(values.length).fill(0);
  let lower = 0;
  let last: number | undefined;
  indexesBy(values).forEach((index, seen) => {
    if (values[index] !== last) lower = seen;
    last = values[index];
    counts[index] = lower;
  });
  return counts;
}

function tiedPairs(values: readonly number[]): number {
  const amounts = new Map<number, number>();
  for (const value of values) amounts.set(value, (amounts.get(value) ?? 0) + 1);
  let tied = 0;
  for (const amount of amounts.values()) tied += pairsOf(amount);
  return tied;
}

function pairsOf(amount: number): number {
  return (amount * (amount - 1)) / 2;
}
