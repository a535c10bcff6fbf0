import { GateUnavailableError } from '@flux/gate';
import { createLog } from '@flux/telemetry';
import { RefusalCounts } from './refusal-counts';

/** Redis as the counts see it: takes additions, or refuses them. */
function world() {
  const added = new Map<string, Record<string, number>>();
  const state = { error: undefined as Error | undefined };
  const counts = new RefusalCounts(
    {
      add: (saleId, ofSale) => {
        if (state.error !== undefined) return Promise.reject(state.error);
        added.set(saleId, ofSale);
        return Promise.resolve();
      },
    },
    createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'probe'),
  );
  return { added, state, counts };
}

describe('RefusalCounts', () => {
  it('adds up by sale and code once a second, and at the end', async () => {
    jest.useFakeTimers();
    try {
      const { added, counts } = world();
      counts.onApplicationBootstrap();
      counts.count('s', 'sold-out');
      counts.count('s', 'sold-out');
      counts.count('s', 'shopper-limit');
      counts.count('t', 'sold-out');
      await jest.advanceTimersByTimeAsync(999);
      expect(added.size).toBe(0);
      await jest.advanceTimersByTimeAsync(1);
      expect(Object.fromEntries(added)).toEqual({
        s: { 'sold-out': 2, 'shopper-limit': 1 },
        t: { 'sold-out': 1 },
      });
      added.clear();
      await jest.advanceTimersByTimeAsync(5_000);
      expect(added.size).toBe(0);
      counts.count('s', 'sale-closed');
      await counts.onApplicationShutdown();
      expect(Object.fromEntries(added)).toEqual({ s: { 'sale-closed': 1 } });
    } finally {
      jest.useRealTimers();
    }
  });

  it('keeps what was certainly not added, and nothing that may have been', async () => {
    for (const [effect, expected] of [
      ['none', 2],
      ['unknown', 1],
    ] as const) {
      const { added, state, counts } = world();
      counts.count('s', 'sold-out');
      state.error = new GateUnavailableError(effect, 'down');
      await counts.onApplicationShutdown();
      state.error = undefined;
      counts.count('s', 'sold-out');
      await counts.onApplicationShutdown();
      expect(added.get('s')).toEqual({ 'sold-out': expected });
    }
  });

  it('keeps counts of 1,000 sales at most', async () => {
    const { added, counts } = world();
    for (let index = 0; index < 1_100; index += 1) counts.count(`s${index}`, 'sold-out');
    counts.count('s0', 'sold-out');
    await counts.onApplicationShutdown();
    expect(added.size).toBe(1_000);
    expect(added.get('s0')).toEqual({ 'sold-out': 2 });
  });
});
