import { failurePauseMs, LONGEST_PAUSE_MS, toldPauseMs } from './pacing';

const lowest = () => 0;
const highest = () => 0.999_999;

describe('the pause that was told', () => {
  it.each([0, 500, 4_000, 60_000])(
    'of %d ms is never cut short, and grows by a tenth or a second',
    (told) => {
      expect(toldPauseMs(told, lowest)).toBe(told);
      expect(toldPauseMs(told, highest)).toBeLessThanOrEqual(told + Math.min(1_000, told / 10));
    },
  );
});

describe('the pause after failures', () => {
  it('doubles its reach up to 30 s, and is spread over all of it', () => {
    const reaches = Array.from({ length: 40 }, (_, index) =>
      Math.round(failurePauseMs(index + 1, 0, highest)),
    );
    expect(reaches.slice(0, 6)).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(Math.max(...reaches)).toBe(LONGEST_PAUSE_MS);
    expect(failurePauseMs(5, 0, () => 0.5)).toBe(15_000);
    expect(failurePauseMs(5, 0, lowest)).toBe(250);
  });

  it('is no shorter than the server asked for', () => {
    expect(failurePauseMs(1, 25_000, lowest)).toBe(25_000);
    expect(failurePauseMs(1, 25_000, highest)).toBeGreaterThan(25_500);
  });
});
