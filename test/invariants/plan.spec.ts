import { faultsOf } from './faults';
import type { Fault } from './faults/fault';
import { makePlan, type Plan } from './plan';
import { Random } from './random';

const options = { loadMs: 60_000, faults: faultsOf('strict') };

describe('a plan', () => {
  it('follows from its seed, and another seed makes another', () => {
    expect(inWords(makePlan({ ...options, seed: 6 }))).toEqual(inWords(makePlan({ ...options, seed: 6 })));
    expect(inWords(makePlan({ ...options, seed: 6 }))).not.toEqual(
      inWords(makePlan({ ...options, seed: 7 })),
    );
  });

  it('never strikes what is not healed, nor beyond the load', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const { strikes } = makePlan({ ...options, seed });
      expect(strikes.length).toBeGreaterThan(10);
      for (const [index, strike] of strikes.entries()) {
        expect(strike.atMs + strike.lastsMs).toBeLessThan(options.loadMs);
        for (const earlier of strikes.slice(0, index)) {
          const shares = earlier.fault.breaks.some((target) => strike.fault.breaks.includes(target));
          if (shares) expect(strike.atMs).toBeGreaterThan(earlier.atMs + earlier.lastsMs);
        }
      }
    }
  });

  it('reaches every fault within some seeds', () => {
    const reached = new Set<string>();
    for (let seed = 0; seed < 50; seed += 1) {
      for (const { fault } of makePlan({ ...options, seed }).strikes) reached.add(fault.name);
    }
    expect([...reached].sort()).toEqual(options.faults.map(({ name }) => name).sort());
  });

  it('gives every wish a number of its own: the idempotency keys are made of them', () => {
    const { intents, strikes } = makePlan({ ...options, seed: 6 });
    const numbers = [...intents, ...strikes.flatMap(({ burst }) => burst)].map(({ number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe('Random', () => {
  it('is xoshiro128**, evenly spread', () => {
    const random = new Random(1);
    const buckets = new Array<number>(16).fill(0);
    for (let draw = 0; draw < 16_000; draw += 1) {
      const bucket = random.between(0, 15);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    // 1,000 each, five standard deviations either way.
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(153);
  });

  it('forks into streams of their own, whatever was drawn before', () => {
    const [one, other] = [new Random(1), new Random(1)];
    other.fraction();
    expect(one.fork('load').fraction()).toBe(other.fork('load').fraction());
    expect(one.fork('load').fraction()).not.toBe(one.fork('faults').fraction());
  });
});

function inWords({ intents, strikes }: Plan<Fault>): unknown {
  return [intents, strikes.map(({ fault, ...strike }) => [fault.name, strike])];
}
