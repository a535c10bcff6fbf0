import { rewindProof } from './rewind-proof';

const at = (watermark: number, ...ahead: { from: number; to: number }[]) => ({
  watermark,
  ahead: ahead.map((range) => ({ ...range, lastOrderId: 'o' })),
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
  ])('finds nothing where %s', (_, readings) => {
    expect(rewindProof(readings)).toBeUndefined();
  });

  it('sees a gate that has given fewer sequences than the ledger has applied', () => {
    const readings = { gateSequence: 8, oldestSequence: undefined };
    expect(rewindProof({ ...readings, before: at(9), after: at(9) })).toMatch('behind');
    const ahead = at(3, { from: 6, to: 9 });
    expect(rewindProof({ ...readings, before: ahead, after: ahead })).toMatch('behind');
  });

  it('sees a gap that the outbox cannot fill', () => {
    const gap = at(3, { from: 6, to: 9 });
    expect(rewindProof({ before: gap, gateSequence: 9, oldestSequence: 6, after: gap })).toMatch(
      'outbox lacks',
    );
    expect(rewindProof({ before: gap, gateSequence: 9, oldestSequence: undefined, after: gap })).toMatch(
      'outbox',
    );
  });
});
