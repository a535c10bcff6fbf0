/** Counts by rank, and how many lie below one: both in O(log n). Fenwick, Software: Practice and Experience 24 (1994). */
export class FenwickTree {
  private readonly sums: Float64Array;

  /** @param size ranks go from 0 to size - 1 */
  constructor(size: number) {
    this.sums = new Float64Array(size + 1);
  }

  add(rank: number): void {
    for (let at = rank + 1; at < this.sums.length; at += at & -at) this.sums[at]! += 1;
  }

  /** How many were added with a lower rank. */
  below(rank: number): number {
    let count = 0;
    for (let at = rank; at > 0; at -= at & -at) count += this.sums[at]!;
    return count;
  }
}

/** The rank of each value among the distinct values, from 0; equal values share one. */
export function denseRanks(values: readonly number[]): {
  readonly ranks: Int32Array;
  readonly distinct: number;
} {
  const order = indexesBy(values);
  const ranks = new Int32Array(values.length);
  let rank = -1;
  let last: number | undefined;
  for (const index of order) {
    const value = values[index]!;
    if (value !== last) rank += 1;
    last = value;
    ranks[index] = rank;
  }
  return { ranks, distinct: rank + 1 };
}

/** The indexes of the values, the lowest value first; equal ones in their order. */
export function indexesBy(values: readonly number[]): readonly number[] {
  return values
    .map((_, index) => index)
    .sort((a, b) => {
      const [first, second] = [values[a]!, values[b]!];
      // Infinity - Infinity is no number.
      return first === second ? a - b : first < second ? -1 : 1;
    });
}
