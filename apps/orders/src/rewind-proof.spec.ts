import { rewindProof, type Readings } from './rewind-proof';

const at = (watermark: number, ...ahead: { from: number; to: number }[]) => ({
  watermark,
  ahead: ahead.map((range) => ({ ...range, lastOrderId: 'o' })),
});

/** The gate has settled what the ledger has, unless told otherwise. */
const readings = (given: Omit<Readings, 'gateWatermark'> & Partial<Readings>): Readings => ({
  gateWatermark: given.after.watermark,
  ...given,
});

describe('rewindProof', () => {
  it.each([
    ['all is settled', { before: at(9), gateSequence: 9, oldestSequence: undefined, after: at(9) }],
    ['orders are on their way', { before: at(5), gateSequence: 9, oldestSequence: 6, after: at(5) }],
    ['an entry is settled in part', { before: at(7), gateSequence: 9, oldestSequence: 5, after: at(7) }],
    ['the ledger moved on meanwhile', { before: at(5), gateSequence: 9, oldestSequence: 10, after: at(9) }],
    [
      'all was settled meanwhile',
      { before: at(5), gateSequence: 9, oldestSequence: undefined, after: at(12) },
    ],
    [
      'a lost send is still in the outbox',
      {
        before: at(3, { from: 6, to: 9 }),
        gateSequence: 9,
        oldestSequence: 4,
        after: at(3, { from: 6, to: 9 }),
      },
    ],
    [
      'the gate has yet to settle what the outbox holds',
      { before: at(9), gateSequence: 9, oldestSequence: 4, after: at(9), gateWatermark: 3 },
    ],
    [
      'the gate settled the last while they were read',
      { before: at(9), gateSequence: 9, oldestSequence: undefined, after: at(12), gateWatermark: 11 },
    ],
  ])('finds nothing where %s', (_, given) => {
    expect(rewindProof(readings(given))).toBeUndefined();
  });

  it('sees a gate that has given fewer sequences than the ledger has applied', () => {
    const gate = { gateSequence: 8, oldestSequence: undefined };
    expect(rewindProof(readings({ ...gate, before: at(9), after: at(9) }))).toMatch('behind');
    const ahead = at(3, { from: 6, to: 9 });
    expect(rewindProof(readings({ ...gate, before: ahead, after: ahead }))).toMatch('behind');
  });

  it('sees a gap that the outbox cannot fill', () => {
    const gap = at(3, { from: 6, to: 9 });
    const gate = { before: gap, gateSequence: 9, after: gap };
    expect(rewindProof(readings({ ...gate, oldestSequence: 6 }))).toMatch('outbox lacks what the ledger');
    expect(rewindProof(readings({ ...gate, oldestSequence: undefined }))).toMatch('outbox');
  });

  it('sees that the outbox has lost what the gate has not settled, although the ledger has it', () => {
    const gate = { before: at(9), gateSequence: 9, after: at(9), gateWatermark: 3 };
    expect(rewindProof(readings({ ...gate, oldestSequence: 5 }))).toMatch('not settled');
    expect(rewindProof(readings({ ...gate, oldestSequence: undefined }))).toMatch('not settled');
  });
});
