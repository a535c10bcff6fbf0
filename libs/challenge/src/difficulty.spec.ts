import fc from 'fast-check';
import { difficultyOf, leastBits } from './difficulty';

const circumstances = fc.record({
  base: fc.option(fc.integer({ min: 8, max: 20 }), { nil: undefined }),
  load: fc.double({ min: 0, max: 1, noNaN: true }),
  strikes: fc.nat(10_000),
});

describe('the difficulty', () => {
  it("is the sale's, or the usual one, where nothing is wrong", () => {
    expect(difficultyOf({ base: undefined, load: 0, strikes: 0 })).toBe(13);
    expect(difficultyOf({ base: 9, load: 0.49, strikes: 0 })).toBe(9);
  });

  it('rises with load and with what the source did before', () => {
    expect(difficultyOf({ base: 9, load: 0.5, strikes: 0 })).toBe(10);
    expect(difficultyOf({ base: 9, load: 1, strikes: 0 })).toBe(12);
    expect(difficultyOf({ base: 9, load: 0, strikes: 1 })).toBe(10);
    expect(difficultyOf({ base: 9, load: 0, strikes: 15 })).toBe(13);
    expect(difficultyOf({ base: 9, load: 1, strikes: 1_000_000 })).toBe(16);
  });

  it('never falls when either grows, is never less than the sale asks, and ends at what a phone can do', () => {
    fc.assert(
      fc.property(
        circumstances,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(100),
        (now, load, strikes) => {
          const bits = difficultyOf(now);
          expect(difficultyOf({ ...now, load: Math.max(now.load, load) })).toBeGreaterThanOrEqual(bits);
          expect(difficultyOf({ ...now, strikes: now.strikes + strikes })).toBeGreaterThanOrEqual(bits);
          expect(bits).toBeGreaterThanOrEqual(leastBits(now.base));
          expect(bits).toBeLessThanOrEqual(20);
        },
      ),
    );
  });
});
