import { SoldOutFlag } from './sold-out.flag';

const buyers = new Set(['ada']);

function raisedFlag(askedAtMs = 1_000): SoldOutFlag {
  const flag = new SoldOutFlag();
  flag.raise(3, askedAtMs);
  flag.setBuyers(3, buyers);
  return flag;
}

describe('SoldOutFlag', () => {
  it('refuses nobody before the gate has found nothing available', () => {
    const flag = new SoldOutFlag();
    expect(flag.refuses('bob', 0)).toBe(false);
    flag.setBuyers(3, buyers);
    expect(flag.refuses('bob', 0)).toBe(false);
  });

  it('refuses those who never bought, and sends those who did to the gate', () => {
    const flag = raisedFlag();
    expect(flag.refuses('bob', 1_010)).toBe(true);
    expect(flag.refuses('ada', 1_010)).toBe(false);
  });

  it('refuses nobody until the buyers of that very version are known', () => {
    const flag = raisedFlag();
    flag.raise(4, 1_001);
    expect(flag.missingBuyers()).toBe(4);
    expect(flag.refuses('bob', 1_010)).toBe(false);
    flag.setBuyers(4, buyers);
    expect(flag.missingBuyers()).toBeUndefined();
    expect(flag.refuses('bob', 1_010)).toBe(true);
  });

  it('believes an answer for 250 ms, and no longer', () => {
    const flag = raisedFlag();
    expect(flag.refuses('renews', 1_225)).toBe(false);
    expect(flag.refuses('bob', 1_249)).toBe(true);
    expect(flag.refuses('bob', 1_250)).toBe(false);
    expect(flag.refuses('bob', 9_999)).toBe(false);
  });

  it('lets one request in 25 ms through once the answer is half its age, and starts anew with the next answer', () => {
    const flag = raisedFlag();
    expect(flag.refuses('bob', 1_124)).toBe(true);
    expect([1_125, 1_126, 1_149, 1_150, 1_151].map((nowMs) => flag.refuses('bob', nowMs))).toEqual([
      false,
      true,
      true,
      false,
      true,
    ]);
    flag.raise(3, 1_125);
    expect(flag.refuses('bob', 1_200)).toBe(true);
  });

  it('refuses nobody once it is lowered, also where a late answer from before then comes in', () => {
    const flag = raisedFlag();
    flag.lower(1_020);
    expect(flag.refuses('bob', 1_021)).toBe(false);
    flag.raise(3, 1_019);
    expect(flag.refuses('bob', 1_022)).toBe(false);
    flag.raise(3, 1_021);
    expect(flag.refuses('bob', 1_022)).toBe(true);
  });

  it('is not lowered by what the gate said before the answer', () => {
    const flag = raisedFlag();
    flag.lower(999);
    expect(flag.refuses('bob', 1_010)).toBe(true);
  });
});
