import fc from 'fast-check';
import {
  admittedShares,
  chiSquareLimit,
  chiSquareOfDeciles,
  concentration,
  jainIndex,
  maxRatio,
  stolenUnits,
  uselessWaits,
} from './shares';

describe('shares of classes', () => {
  it('are equal at an index and a ratio of 1', () => {
    expect([jainIndex([0.5, 0.5, 0.5]), maxRatio([0.5, 0.5, 0.5])]).toEqual([1, 1]);
    expect([jainIndex([0, 0]), maxRatio([0, 0])]).toEqual([1, 1]);
  });

  it('differ by what one has more', () => {
    // (1 + 3)² / (2 (1 + 9))
    expect(jainIndex([1, 3])).toBeCloseTo(0.8, 12);
    expect(jainIndex([1, 0, 0, 0])).toBe(0.25);
    expect(maxRatio([0.5, 0.6, 0.4])).toBeCloseTo(1.5, 12);
    expect(maxRatio([0, 0.1])).toBe(Infinity);
  });

  it('are those of all who joined', () => {
    const member = (className: string, isAdmitted: boolean) => ({ className, isAdmitted });
    const shares = admittedShares([member('a', true), member('a', false), member('b', true)]);
    expect([...shares]).toEqual([
      ['a', 0.5],
      ['b', 1],
    ]);
  });

  it('lie between 1/n and 1', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 16 });
    fc.assert(
      fc.property(shares, (all) => {
        expect(jainIndex(all)).toBeGreaterThanOrEqual(1 / all.length - 1e-9);
        expect(jainIndex(all)).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });
});

describe('concentration', () => {
  it('is the share of the largest holders, one at least', () => {
    expect(concentration([5, 1, 1, 1, 0, 0, 0, 0, 1, 1], 0.01)).toEqual({ topShare: 0.5, most: 5 });
    expect(
      concentration(
        Array.from({ length: 200 }, () => 1),
        0.01,
      ),
    ).toEqual({ topShare: 0.01, most: 1 });
    expect(concentration([], 0.01)).toEqual({ topShare: 0, most: 0 });
  });
});

describe('a wait', () => {
  it('is useless from when nothing was left', () => {
    const stays = [
      { fromMs: 0, toMs: 90 },
      { fromMs: 0, toMs: 130 },
      { fromMs: 120, toMs: 125 },
    ];
    expect(uselessWaits(stays, 100)).toEqual([0, 30, 5]);
  });
});

describe('a unit', () => {
  it('is stolen where somebody from outside gets it while somebody is in line', () => {
    const stays = [{ fromMs: 10, toMs: 20 }];
    const take = (atMs: number, isFromLine = false) => ({ atMs, isFromLine });
    expect(stolenUnits([take(9), take(10), take(19), take(20), take(15, true)], stays)).toBe(2);
  });
});

describe('chi-square over deciles', () => {
  it('is 0 where each tenth goes to each tenth alike, and 9 n where it goes to one', () => {
    const ranks = Array.from({ length: 100 }, (_, index) => index);
    expect(
      chiSquareOfDeciles(
        ranks,
        ranks.map((rank) => (rank % 10) * 10 + Math.floor(rank / 10)),
      ),
    ).toBe(0);
    expect(chiSquareOfDeciles(ranks, ranks)).toBeCloseTo(900, 9);
  });

  it('has the limits of the tables', () => {
    // 95 % of 10 and 99.9 % of 81 degrees of freedom.
    expect(chiSquareLimit(10, 1.6449)).toBeCloseTo(18.31, 1);
    expect(chiSquareLimit(81, 3.0902)).toBeCloseTo(126.1, 0);
  });
});
