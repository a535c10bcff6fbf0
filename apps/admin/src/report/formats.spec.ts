import { clock, count, duration, money, time } from './formats';

describe('what a person reads', () => {
  it.each([
    [0, 'EUR', 'EUR 0.00'],
    [5, 'EUR', 'EUR 0.05'],
    [123_450, 'EUR', 'EUR 1,234.50'],
    [123_450, 'JPY', 'JPY 123,450'],
    [123_450, 'BHD', 'BHD 123.450'],
    [9_007_199_254_740_991, 'EUR', 'EUR 90,071,992,547,409.91'],
    [100, 'ZZZ', 'ZZZ 1.00'],
  ])('%d minor units of %s are %s', (minor, currency, text) => {
    expect(money(minor, currency)).toBe(text);
  });

  it('numbers, times and lengths of time', () => {
    expect(count(1_234_567)).toBe('1,234,567');
    expect(time('2026-01-01T10:15:00.123Z')).toBe('2026-01-01 10:15:00 UTC');
    expect(clock('2026-01-01T10:15:00.123Z', '2026-01-01')).toBe('10:15:00');
    expect(clock('2026-01-02T10:15:00.123Z', '2026-01-01')).toBe('01-02 10:15:00');
    expect([1, 60, 90, 3_600, 172_800].map(duration)).toEqual(['1 s', '1 min', '90 s', '1 h', '2 d']);
  });
});
