import fc from 'fast-check';
import { epsilonInversions, kendallTauB, mostInWindow, overtakings, starvation, type Passage } from './order';

/** Straight from the definitions, in O(n²). */
const naive = {
  overtakings: ({ sent, admitted, come = sent }: Passage, epsilon: number) =>
    come.map(
      (at, i) => sent.filter((other, j) => other > at + epsilon && admitted[j]! < admitted[i]!).length,
    ),
  pairs: ({ sent, come = sent }: Passage, epsilon: number) =>
    come.flatMap((at) => sent.filter((other) => other > at + epsilon)).length,
  tauB: (xs: readonly number[], ys: readonly number[]) => {
    let [sum, untiedX, untiedY] = [0, 0, 0];
    xs.forEach((x, i) => {
      for (let j = i + 1; j < xs.length; j += 1) {
        const [dx, dy] = [Math.sign(x - xs[j]!), Math.sign(ys[i]! - ys[j]!)];
        sum += dx * dy;
        untiedX += Math.abs(dx);
        untiedY += Math.abs(dy);
      }
    });
    return sum / Math.sqrt(untiedX * untiedY);
  },
};

const moment = fc.integer({ min: 0, max: 30 });
const passages = fc
  .array(fc.tuple(moment, fc.oneof(moment, fc.constant(Infinity)), moment), { maxLength: 40 })
  .map((entries) => ({
    sent: entries.map(([sent]) => sent),
    admitted: entries.map(([, admitted]) => admitted),
    come: entries.map(([sent, , took]) => sent + took),
  }));
const epsilons = fc.integer({ min: 0, max: 10 });

describe('overtaking', () => {
  it('counts who was sent more than epsilon later and admitted before', () => {
    const passage = { sent: [0, 40, 60, 200], admitted: [300, 200, 100, 50] };
    expect(overtakings(passage, 50)).toEqual([2, 1, 1, 0]);
    expect(epsilonInversions(passage, 50)).toEqual({ pairs: 4, inversions: 4, share: 1 });
    expect(overtakings(passage, 0)).toEqual([3, 2, 1, 0]);
  });

  it('knows no inversion in order, in ties, or within epsilon', () => {
    expect(epsilonInversions({ sent: [1, 2, 3], admitted: [5, 6, 7] }, 0)).toEqual({
      pairs: 3,
      inversions: 0,
      share: 0,
    });
    expect(epsilonInversions({ sent: [1, 2, 3], admitted: [5, 5, 5] }, 0).inversions).toBe(0);
    expect(epsilonInversions({ sent: [1, 2, 3], admitted: [7, 6, 5] }, 2)).toEqual({
      pairs: 0,
      inversions: 0,
      share: 0,
    });
    expect(epsilonInversions({ sent: [], admitted: [] }, 0).share).toBe(0);
  });

  it('is suffered by those who never were admitted, and not among them', () => {
    expect(overtakings({ sent: [1, 2, 3], admitted: [Infinity, Infinity, 9] }, 0)).toEqual([1, 1, 0]);
  });

  it('counts only who sent after the answer, where those are given', () => {
    const passage = { sent: [0, 10, 30], admitted: [3, 2, 1], come: [20, 15, 35] };
    expect(overtakings(passage, 0)).toEqual([1, 1, 0]);
    expect(epsilonInversions(passage, 0)).toEqual({ pairs: 2, inversions: 2, share: 1 });
  });

  it('agrees with the definition', () => {
    fc.assert(
      fc.property(passages, epsilons, fc.boolean(), ({ come, ...sent }, epsilon, isAnswered) => {
        const passage = isAnswered ? { ...sent, come } : sent;
        const overtaken = naive.overtakings(passage, epsilon);
        expect(overtakings(passage, epsilon)).toEqual(overtaken);
        expect(epsilonInversions(passage, epsilon)).toMatchObject({
          pairs: naive.pairs(passage, epsilon),
          inversions: overtaken.reduce((sum, count) => sum + count, 0),
        });
      }),
    );
  });
});

describe("Kendall's tau-b", () => {
  it('is 1 for the same order, -1 for the opposite, and in between by pairs', () => {
    expect(kendallTauB([1, 2, 3, 4], [10, 20, 30, 40])).toBe(1);
    expect(kendallTauB([1, 2, 3, 4], [4, 3, 2, 1])).toBe(-1);
    // Five pairs agree, one does not.
    expect(kendallTauB([1, 2, 3, 4], [1, 2, 4, 3])).toBeCloseTo(4 / 6, 12);
  });

  it('counts ties in neither direction', () => {
    // Pairs: four agree, none disagrees, one is tied in x, one in y. sqrt((6 - 1) (6 - 1)) = 5.
    expect(kendallTauB([1, 1, 2, 3], [1, 2, 3, 3])).toBeCloseTo(4 / 5, 12);
    expect(kendallTauB([1, 1], [1, 2])).toBeNaN();
  });

  it('agrees with the definition', () => {
    const small = fc.integer({ min: 0, max: 8 });
    fc.assert(
      fc.property(fc.array(fc.tuple(small, small), { minLength: 2, maxLength: 40 }), (pairs) => {
        const [xs, ys] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
        const expected = naive.tauB(xs, ys);
        const found = kendallTauB(xs, ys);
        if (Number.isNaN(expected)) expect(found).toBeNaN();
        else expect(found).toBeCloseTo(expected, 9);
      }),
    );
  });
});

describe('starvation', () => {
  it('counts who was admitted after the own turn was due', () => {
    expect(starvation([1, 2, 3], [10, 20, 30])).toEqual([0, 0, 0]);
    // The first one's turn was due at once, and two were admitted before.
    expect(starvation([1, 2, 3], [30, 10, 20])).toEqual([2, 0, 0]);
    expect(starvation([1, 2, 3], [Infinity, 10, 20])).toEqual([2, 0, 0]);
  });

  it('is nobody’s where the units end before the line, and whoever never comes makes room', () => {
    expect(starvation([1, 2, 3], [10, Infinity, Infinity])).toEqual([0, 0, 0]);
    expect(starvation([3, 2, 1], [20, 10, Infinity])).toEqual([0, 0, 2]);
  });

  it('agrees with the definition', () => {
    fc.assert(
      fc.property(passages, ({ sent: places, admitted }) => {
        const expected = places.map((place, i) => {
          const ahead = places.filter((other) => other < place).length;
          return Math.max(0, admitted.filter((other) => other < admitted[i]!).length - ahead);
        });
        expect(starvation(places, admitted)).toEqual(expected);
      }),
    );
  });
});

describe('the most in a window', () => {
  it('includes both ends, and leaves out who never was', () => {
    expect(mostInWindow([0, 500, 1_000, 1_001, Infinity], 1_000)).toBe(3);
    expect(mostInWindow([], 1_000)).toBe(0);
  });

  it('agrees with the definition', () => {
    const times = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 40 });
    fc.assert(
      fc.property(times, fc.integer({ min: 0, max: 10 }), (all, length) => {
        const counts = all.map((from) => all.filter((at) => at >= from && at <= from + length).length);
        expect(mostInWindow(all, length)).toBe(Math.max(0, ...counts));
      }),
    );
  });
});
