import { MEMORY_MS, Meters } from './meters';

const NOW_MS = 1_000_000;

describe('the meters of a process', () => {
  it('are made once, and kept while their principal is at work', () => {
    const meters = new Meters(10);
    const one = meters.of('one', NOW_MS);
    one.arrivalMs = NOW_MS + 100;
    for (let other = 0; other < 5; other += 1) meters.of(`other-${other}`, NOW_MS).arrivalMs = NOW_MS + 100;
    expect(meters.of('one', NOW_MS)).toBe(one);
    expect(meters.size).toBe(6);
  });

  it('go when their principal is at rest, faster than others come', () => {
    const meters = new Meters(1_000);
    for (let one = 0; one < 100; one += 1) meters.of(`early-${one}`, NOW_MS).arrivalMs = NOW_MS + 100;
    expect(meters.size).toBe(100);
    for (let one = 0; one < 110; one += 1) meters.of(`late-${one}`, NOW_MS + 200).arrivalMs = NOW_MS + 300;
    expect(meters.find('early-0')).toBeUndefined();
    expect(meters.size).toBe(110);
  });

  it('are no more than so many, and whoever was refused lately is remembered the longest', () => {
    const meters = new Meters(100);
    const denied = meters.of('denied', NOW_MS);
    denied.arrivalMs = NOW_MS + 1_000_000;
    denied.refusedAtMs = NOW_MS;
    const forgotten = meters.of('forgotten', NOW_MS);
    forgotten.arrivalMs = NOW_MS + 1_000_000;
    for (let one = 0; one < 10_000; one += 1) {
      meters.of(`crowd-${one}`, NOW_MS).arrivalMs = NOW_MS + 1_000;
      expect(meters.size).toBeLessThanOrEqual(100);
    }
    expect(meters.find('denied')).toBe(denied);
    expect(meters.find('forgotten')).toBeUndefined();
    const laterMs = NOW_MS + MEMORY_MS;
    for (let one = 0; one < 1_000; one += 1) meters.of(`later-${one}`, laterMs).arrivalMs = laterMs + 1_000;
    expect(meters.find('denied')).toBeUndefined();
  });

  it('are no more than so many, also where all of them were refused', () => {
    const meters = new Meters(50);
    for (let one = 0; one < 500; one += 1) {
      const meter = meters.of(`denied-${one}`, NOW_MS);
      meter.arrivalMs = NOW_MS + 1_000;
      meter.refusedAtMs = NOW_MS;
    }
    expect(meters.size).toBe(50);
  });
});
