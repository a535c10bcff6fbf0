import { bucketSecondsOf, bucketsOf, denseCounts } from './timeline';

describe('the buckets of a timeline', () => {
  it.each([
    [1, 1],
    [60, 1],
    [300, 1],
    [301, 2],
    [600, 2],
    [3_600, 15],
    [86_400, 300],
    [7 * 86_400, 3_600],
    [300 * 86_400, 86_400],
  ])('%d seconds: each lasts %d', (length, seconds) => {
    expect(bucketSecondsOf({ from: 0, to: length - 1 })).toBe(seconds);
  });

  it.each([1, 59, 1_767_261_600, 1_767_261_659])('are 300 at most, wherever the sale begins: %d', (from) => {
    for (const length of [1, 299, 300, 301, 5_000, 100_000, 10_000_000, 1_767_261_600]) {
      const span = { from, to: from + length };
      const seconds = bucketSecondsOf(span);
      expect([length, bucketsOf(span, seconds) <= 300]).toEqual([length, true]);
    }
  });

  it('have a number each, also where nothing was sold', () => {
    expect(
      denseCounts(
        { from: 12, to: 31 },
        5,
        new Map([
          [2, 7],
          [6, 9],
        ]),
      ),
    ).toEqual([7, 0, 0, 0, 9]);
  });
});
