import fc from 'fast-check';
import { advanceWatermark, isApplied, type AppliedSequences } from './advance-watermark';

const NONE: AppliedSequences = { watermark: 0, watermarkOrderId: '', ahead: [] };

function apply(sequences: readonly number[], start = NONE): AppliedSequences {
  return sequences.reduce((applied, sequence) => advanceWatermark(applied, sequence, `o${sequence}`), start);
}

describe('advanceWatermark', () => {
  it('moves with sequences that come one after the other', () => {
    expect(apply([1, 2, 3])).toEqual({ watermark: 3, watermarkOrderId: 'o3', ahead: [] });
  });

  it('stays below a gap and remembers what is beyond it', () => {
    expect(apply([1, 4, 5, 9])).toEqual({
      watermark: 1,
      watermarkOrderId: 'o1',
      ahead: [
        { from: 4, to: 5, lastOrderId: 'o5' },
        { from: 9, to: 9, lastOrderId: 'o9' },
      ],
    });
  });

  it('jumps when the gap is filled, and knows the order at its new place', () => {
    expect(apply([1, 4, 5, 9, 3, 2])).toEqual({
      watermark: 5,
      watermarkOrderId: 'o5',
      ahead: [{ from: 9, to: 9, lastOrderId: 'o9' }],
    });
  });

  it('leaves a sequence to the order that had it first', () => {
    const applied = apply([1, 2, 5]);
    expect(advanceWatermark(applied, 2, 'other')).toBe(applied);
    expect(advanceWatermark(applied, 5, 'other')).toBe(applied);
  });

  it('is the contiguous prefix of what was applied, in any order and however often', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 120 }), (sequences) => {
        const applied = apply(sequences);
        const model = new Set(sequences);
        let prefix = 0;
        while (model.has(prefix + 1)) prefix += 1;
        expect(applied.watermark).toBe(prefix);
        expect(applied.watermarkOrderId).toBe(prefix === 0 ? '' : `o${prefix}`);
        for (let sequence = 1; sequence <= 61; sequence += 1) {
          expect(isApplied(applied, sequence)).toBe(model.has(sequence));
        }
        for (const [index, range] of applied.ahead.entries()) {
          expect(range.lastOrderId).toBe(`o${range.to}`);
          expect(range.from).toBeGreaterThan((applied.ahead[index - 1]?.to ?? prefix) + 1);
          expect(range.to).toBeGreaterThanOrEqual(range.from);
        }
      }),
    );
  });
});
