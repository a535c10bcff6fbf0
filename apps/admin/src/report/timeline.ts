/** Columns of the picture at most. */
const MOST_BUCKETS = 300;

/** What a bucket may last, in seconds: what a person would choose. */
const WIDTHS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400,
];
const DAY_SECONDS = 86_400;

export interface Span {
  /** Seconds since 1970. */
  readonly from: number;
  /** The last second that counts. */
  readonly to: number;
}

/** Seconds that one bucket lasts, so that a sale has at most 300 of them: one second unless the sale is long. */
export function bucketSecondsOf({ from, to }: Span): number {
  const needed = (to - from + 1) / MOST_BUCKETS;
  // Buckets begin at multiples of their width, so that the first and the last one may be cut.
  const width = WIDTHS.find((seconds) => bucketsOf({ from, to }, seconds) <= MOST_BUCKETS);
  return width ?? Math.ceil(needed / DAY_SECONDS + 1) * DAY_SECONDS;
}

/** How many buckets a span touches. */
export function bucketsOf({ from, to }: Span, seconds: number): number {
  return Math.floor(to / seconds) - Math.floor(from / seconds) + 1;
}

/** The counts of all buckets of a span, those without any order too. */
export function denseCounts(
  span: Span,
  seconds: number,
  counts: ReadonlyMap<number, number>,
): readonly number[] {
  const first = Math.floor(span.from / seconds);
  return Array.from({ length: bucketsOf(span, seconds) }, (_, index) => counts.get(first + index) ?? 0);
}
