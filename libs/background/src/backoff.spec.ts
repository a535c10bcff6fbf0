import { backoffMs, pauseUnlessAborted } from './backoff';

describe('backoffMs', () => {
  it('doubles up to the maximum, less up to half', () => {
    const times = { firstMs: 100, maxMs: 1_000 };
    expect([1, 2, 3, 4, 5, 1_000].map((attempt) => backoffMs(attempt, times, 0))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ]);
    expect(backoffMs(1, times, 1)).toBe(50);
  });
});

describe('pauseUnlessAborted', () => {
  it('ends at once when aborted, before or during the pause', async () => {
    const before = new AbortController();
    before.abort();
    await pauseUnlessAborted(60_000, before.signal);
    const during = new AbortController();
    const pause = pauseUnlessAborted(60_000, during.signal);
    during.abort();
    await pause;
  });
});
