import fc from 'fast-check';
import { nextChunk, type Sized } from './next-chunk';

function messages(count: number, bytes = 10): Sized[] {
  return Array.from({ length: count }, (_, offset) => ({ offset: BigInt(offset), bytes }));
}

const limits = { messages: 1_000, bytes: 512_000 };

describe('nextChunk', () => {
  it('takes everything that is within the limits', () => {
    expect(nextChunk(messages(100), 0, { limits, suspectUntil: undefined })).toBe(100);
    expect(nextChunk(messages(100), 40, { limits, suspectUntil: undefined })).toBe(60);
  });

  it('cuts by count and by bytes', () => {
    expect(
      nextChunk(messages(100), 0, { limits: { ...limits, messages: 30 }, suspectUntil: undefined }),
    ).toBe(30);
    expect(nextChunk(messages(100), 0, { limits: { ...limits, bytes: 95 }, suspectUntil: undefined })).toBe(
      9,
    );
  });

  it('gives a message over the byte limit alone', () => {
    expect(nextChunk(messages(3, 1_000_000), 0, { limits, suspectUntil: undefined })).toBe(1);
  });

  it('halves what is suspected and nothing beyond it', () => {
    expect(nextChunk(messages(100), 0, { limits, suspectUntil: 100n })).toBe(50);
    expect(nextChunk(messages(100), 50, { limits, suspectUntil: 100n })).toBe(25);
    expect(nextChunk(messages(100), 50, { limits, suspectUntil: 51n })).toBe(1);
    expect(nextChunk(messages(100), 51, { limits, suspectUntil: 51n })).toBe(49);
  });

  it('finds every culprit alone, and calls all others exactly once to the end', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 299 }), { maxLength: 5 }),
        (count, culprits) => {
          const bad = new Set(culprits.filter((offset) => offset < count));
          const { done, parked, calls } = work(messages(count), bad);
          expect(parked).toEqual([...bad].sort((a, b) => a - b));
          expect(done).toEqual(
            messages(count)
              .map(({ offset }) => Number(offset))
              .filter((at) => !bad.has(at)),
          );
          // A culprit costs a call for each halving on the way to it, and as many for the halves that went through.
          expect(calls).toBeLessThanOrEqual((bad.size + 1) * (2 * Math.ceil(Math.log2(count + 1)) + 2));
        },
      ),
    );
  });
});

/** PartitionWork's rules, in a model: what is done, parked, and how often the handler is called. */
function work(all: readonly Sized[], bad: ReadonlySet<number>) {
  const done: number[] = [];
  const parked: number[] = [];
  let calls = 0;
  let suspectUntil: bigint | undefined;
  for (let from = 0; from < all.length;) {
    calls += 1;
    const chunk = all.slice(from, from + nextChunk(all, from, { limits, suspectUntil }));
    const offsets = chunk.map(({ offset }) => Number(offset));
    const poisoned = offsets.some((offset) => bad.has(offset));
    const end = BigInt(from + chunk.length);
    if (poisoned && chunk.length > 1) {
      suspectUntil = end;
      continue;
    }
    (poisoned ? parked : done).push(...offsets);
    from += chunk.length;
    if (poisoned || (suspectUntil !== undefined && end >= suspectUntil)) suspectUntil = undefined;
  }
  return { done, parked, calls };
}
