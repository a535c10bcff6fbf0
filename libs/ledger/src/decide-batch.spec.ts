import { decideParking, REWOUND, type ItemDecision } from './decide-batch';
import { decide, event, known, LEDGER } from '../test/decisions';

function outcomes({ decided }: ItemDecision): string[] {
  return decided.map(({ orderId, state, reason }) => `${orderId} ${reason ?? state}`);
}

describe('decideItem', () => {
  it('confirms in order what fits, rejects the surplus, and lets a smaller order pass a larger one', () => {
    const decision = decide([
      event(1, [
        { id: 'a', quantity: 4 },
        { id: 'b', quantity: 4 },
      ]),
      event(3, [{ id: 'c', quantity: 3 }, { id: 'd', quantity: 2 }, { id: 'e' }]),
    ]);
    expect(outcomes(decision)).toEqual([
      'a confirmed',
      'b confirmed',
      'c no-units',
      'd confirmed',
      'e no-units',
    ]);
    expect(decision.ledger).toMatchObject({ held: 10, watermark: 5, watermarkOrderId: 'e' });
  });

  it("keeps to the shopper's limit, counting what the shopper has already", () => {
    const orders = [
      { id: 'a', shopper: 'x', quantity: 2 },
      { id: 'b', shopper: 'x', quantity: 2 },
      { id: 'c', shopper: 'x', quantity: 1 },
    ];
    const decision = decide([event(1, orders)], { units: { x: 1 } });
    expect(outcomes(decision)).toEqual(['a confirmed', 'b shopper-limit', 'c confirmed']);
  });

  it('leaves known orders alone and hands them back', () => {
    const rejected = known({ orderId: 'a', state: 'rejected', reason: 'no-units' });
    const decision = decide([event(1, [{ id: 'a' }]), event(1, [{ id: 'a' }])], {
      ledger: { watermark: 1 },
      known: [rejected],
    });
    expect(decision).toMatchObject({ decided: [], repeated: [rejected], rewound: undefined });
    expect(decision.ledger).toMatchObject({ held: 0, watermark: 1 });
  });

  it('decides an order once when its event comes twice in one batch', () => {
    const decision = decide([event(1, [{ id: 'a' }]), event(1, [{ id: 'a' }])]);
    expect(outcomes(decision)).toEqual(['a confirmed']);
    expect(decision).toMatchObject({ repeated: [], rewound: undefined, ledger: { held: 1 } });
  });

  it('proves a rewind by a sequence that comes again under an unknown id, and judges the order all the same', () => {
    const decision = decide([event(2, [{ id: 'b' }])], {
      ledger: { watermark: 3, watermarkOrderId: 'o3' },
    });
    expect(outcomes(decision)).toEqual(['b confirmed']);
    expect(decision.rewound).toBe(REWOUND.repeatedSequence);
    expect(decision.ledger).toMatchObject({ watermark: 3, suspendedReason: REWOUND.repeatedSequence });
  });

  it('proves a rewind inside one batch', () => {
    expect(decide([event(1, [{ id: 'a' }]), event(1, [{ id: 'b' }])]).rewound).toBe(REWOUND.repeatedSequence);
  });

  it('proves a rewind by an order that got another sequence in the same epoch', () => {
    const decision = decide([event(7, [{ id: 'a' }])], { known: [known({ orderId: 'a', sequence: 5 })] });
    expect(decision.rewound).toBe(REWOUND.movedOrder);
  });

  it('keeps the first reason of a suspension', () => {
    const decision = decide([event(1, [{ id: 'b' }])], {
      ledger: { watermark: 1, suspendedReason: 'first' },
    });
    expect(decision.ledger.suspendedReason).toBe('first');
  });

  describe('with a newer epoch', () => {
    const ledger = { epoch: 2, epochOffset: 100n };

    it('applies what lies before the fence, without touching sequences', () => {
      const decision = decide([event(7, [{ id: 'a' }], { epoch: 1, offset: 100n })], { ledger });
      expect(outcomes(decision)).toEqual(['a confirmed']);
      expect(decision).toMatchObject({ current: false, ledger: { held: 1, watermark: 0, ahead: [] } });
    });

    it('refuses what lies beyond it', () => {
      const decision = decide([event(7, [{ id: 'a' }], { epoch: 1, offset: 101n })], { ledger });
      expect(outcomes(decision)).toEqual(['a old-epoch']);
      expect(decision.ledger.held).toBe(0);
    });

    it('gives a row rejected as old-epoch to the order accepted in the newer epoch', () => {
      const row = known({ orderId: 'a', state: 'rejected', reason: 'old-epoch', epoch: 1, sequence: 7 });
      const passId = 'pass-of-the-newe';
      const decision = decide([event(1, [{ id: 'a', passId }], { epoch: 2, offset: 102n })], {
        ledger,
        known: [row],
      });
      expect(decision.decided).toMatchObject([
        { orderId: 'a', state: 'confirmed', epoch: 2, takesOver: true, passId },
      ]);
      expect(decision.rewound).toBeUndefined();
    });

    it('gives it to one of a newer epoch that ended, too: nothing of that epoch counts later', () => {
      const row = known({ orderId: 'a', state: 'rejected', reason: 'old-epoch', epoch: 1, sequence: 7 });
      const late = [event(1, [{ id: 'a' }], { epoch: 2, offset: 101n })];
      const fenced = decide(late, { ledger: { ...ledger, epoch: 3 }, known: [row] });
      expect(fenced.decided).toMatchObject([
        { orderId: 'a', state: 'rejected', reason: 'old-epoch', epoch: 2, takesOver: true },
      ]);
      expect(fenced.ledger.held).toBe(0);
      // The message once more, after a rebuild whose closing offset lies beyond it.
      const again = decide(late, {
        ledger: { epoch: 4, epochOffset: 200n },
        known: [{ ...row, epoch: 2, sequence: 1 }],
      });
      expect(again).toMatchObject({ decided: [], ledger: { held: 0 } });
    });

    it('does so within one batch, where there is no row yet', () => {
      const decision = decide(
        [
          event(7, [{ id: 'a' }], { epoch: 1, offset: 101n }),
          event(1, [{ id: 'a' }], { epoch: 2, offset: 102n }),
        ],
        { ledger },
      );
      expect(decision.decided).toMatchObject([
        { orderId: 'a', state: 'confirmed', epoch: 2, takesOver: false },
      ]);
    });

    it('takes over no row that was rejected for another reason', () => {
      const row = known({ orderId: 'a', state: 'rejected', reason: 'no-units', epoch: 1 });
      const decision = decide([event(1, [{ id: 'a' }], { epoch: 2, offset: 102n })], {
        ledger,
        known: [row],
      });
      expect(decision).toMatchObject({ decided: [], repeated: [row] });
    });
  });
});

describe('decideParking', () => {
  it('books what is free, perhaps a part or nothing, and moves the watermark', () => {
    const decision = decideParking({
      ledger: { ...LEDGER, initial: 5 },
      known: new Map(),
      events: [event(1, [{ id: 'a', quantity: 3 }, { id: 'b', quantity: 3 }, { id: 'c' }])],
    });
    expect(decision.decided.map(({ state, booked }) => [state, booked])).toEqual([
      ['parked', 3],
      ['parked', 2],
      ['parked', 0],
    ]);
    expect(decision.ledger).toMatchObject({ parked: 5, held: 0, watermark: 3, watermarkOrderId: 'c' });
  });
});
