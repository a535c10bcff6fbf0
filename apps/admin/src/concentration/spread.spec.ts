import { isAlarming, spreadOf, tellingShare } from './spread';

const even = (sources: number, units = 1) =>
  new Map(Array.from({ length: sources }, (_, index) => [`s${index}`, units] as const));

describe('a spread', () => {
  it('of nothing is nothing', () => {
    expect(spreadOf(new Map())).toEqual({ units: 0, sources: 0, topPercentShare: 0, top: [] });
  });

  it('has the ten largest sources, the first one first, each with its share', () => {
    const { top, ...sums } = spreadOf(new Map([...even(88), ['b', 4], ['a', 8], ['c', 4]]));
    expect(sums).toMatchObject({ units: 104, sources: 91 });
    expect(top).toHaveLength(10);
    expect(top.slice(0, 3)).toEqual([
      { source: 'a', units: 8, share: 0.0769 },
      { source: 'b', units: 4, share: 0.0385 },
      { source: 'c', units: 4, share: 0.0385 },
    ]);
  });

  it.each([
    [even(10), 0.1],
    [even(100), 0.01],
    [new Map([...even(199), ['a', 51]]), 0.208],
    [new Map([...even(200), ['a', 50]]), 0.208],
  ])('has the share of the largest hundredth, rounded up to whole sources', (units, share) => {
    expect(spreadOf(units).topPercentShare).toBe(share);
  });

  it('alarms above the threshold, from a hundred units on', () => {
    const ofLargest = (units: number, others: number) => spreadOf(new Map([...even(others), ['a', units]]));
    expect(isAlarming(ofLargest(5, 95), 5)).toBe(false);
    expect(isAlarming(ofLargest(6, 94), 5)).toBe(true);
    expect(isAlarming(ofLargest(99, 0), 5)).toBe(false);
    expect(isAlarming(ofLargest(100, 0), 5)).toBe(true);
    expect(isAlarming(ofLargest(100, 0), 100)).toBe(false);
    expect([tellingShare(ofLargest(99, 0)), tellingShare(ofLargest(50, 150))]).toEqual([0, 0.25]);
  });
});
