import { backoffMs } from './backoff';

describe('the pause between attempts', () => {
  it.each([
    [1, 5_000],
    [2, 10_000],
    [10, 2_560_000],
    [11, 3_600_000],
    [2_000, 3_600_000],
  ])('after attempt %i is between half of %i ms and all of it', (attempts, longest) => {
    expect(backoffMs(attempts, () => 0)).toBe(longest / 2);
    expect(backoffMs(attempts, () => 1)).toBe(longest);
  });
});
