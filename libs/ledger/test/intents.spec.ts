import { decideParking, REWOUND } from '../src/decide-batch';
import { itemResultOf } from '../src/settlement';
import { decide, event, intent, known, LEDGER, NOW_MS, questionOf } from './decisions';

const HELD = { ledger: { held: 1, watermark: 1, watermarkOrderId: 'a' } };
const noted = { epoch: 1, sequence: 2 };

describe('a wish to cancel', () => {
  it('ends a confirmed order: its units are free, the gate gets them back, its sequence counts', () => {
    const decision = decide([intent(2, 'a')], { ...HELD, known: [known({ orderId: 'a' })] });
    expect(decision.cancelled).toMatchObject([
      { orderId: 'a', state: 'cancelled', gateEpoch: 1, gateUnits: 1 },
    ]);
    expect(decision.cancelled[0]!.intent).toEqual(noted);
    expect(decision.intents).toEqual([]);
    expect(decision.ledger).toMatchObject({ held: 0, watermark: 2, watermarkOrderId: 'a' });
    expect(itemResultOf(LEDGER, decision, NOW_MS)).toMatchObject({
      untold: ['a'],
      settlement: { watermark: 2, watermarkOrderId: 'a', states: [{ orderId: 'a', status: 'cancelled' }] },
      counts: { cancelled: 1, repeated: 0 },
    });
  });

  it('ends a parked order: the gate gets back what was booked', () => {
    const parked = known({ orderId: 'a', state: 'parked', quantity: 3, booked: 2 });
    const ledger = { parked: 2, watermark: 1, watermarkOrderId: 'a' };
    const decision = decide([intent(2, 'a')], { ledger, known: [parked] });
    expect(decision.cancelled).toMatchObject([{ orderId: 'a', gateUnits: 2 }]);
    expect(decision.ledger).toMatchObject({ parked: 0, held: 0, watermark: 2 });
  });

  it.each(['rejected', 'paid', 'expired', 'cancelled'] as const)(
    'is noted and changes nothing of a %s order',
    (state) => {
      const row = known({ orderId: 'a', state, reason: state === 'rejected' ? 'no-units' : undefined });
      const decision = decide([intent(2, 'a')], { ledger: { ...HELD.ledger, held: 0 }, known: [row] });
      expect(decision).toMatchObject({
        cancelled: [],
        intents: [{ orderId: 'a', ...noted }],
        rewound: undefined,
      });
      expect(decision.ledger).toMatchObject({ held: 0, watermark: 2 });
    },
  );

  it('in the batch of its order ends it at once, and what it frees serves those that follow', () => {
    const decision = decide([
      event(1, [
        { id: 'a', quantity: 4 },
        { id: 'b', quantity: 4 },
        { id: 'c', quantity: 2 },
      ]),
      intent(4, 'b'),
      event(5, [{ id: 'd', quantity: 4 }, { id: 'e' }]),
    ]);
    expect(decision.decided.map(({ orderId, state }) => `${orderId} ${state}`)).toEqual([
      'a confirmed',
      'b confirmed',
      'c confirmed',
      'd confirmed',
      'e rejected',
    ]);
    expect(decision.cancelled).toMatchObject([{ orderId: 'b', gateUnits: 4, atMs: NOW_MS }]);
    expect(decision.ledger).toMatchObject({ held: 10, watermark: 6 });
    const { settlement } = itemResultOf(LEDGER, decision, NOW_MS);
    expect(settlement?.states.map(({ orderId, status }) => `${orderId} ${status}`)).toEqual([
      'e rejected',
      'b cancelled',
    ]);
  });

  it("frees its shopper's count too", () => {
    const mine = { shopper: 'x', quantity: 4 };
    const decision = decide([
      event(1, [{ id: 'a', ...mine }]),
      event(2, [{ id: 'b', ...mine }]),
      intent(3, 'a'),
      event(4, [{ id: 'c', ...mine }]),
    ]);
    expect(decision.decided.map(({ reason }) => reason)).toEqual([undefined, 'shopper-limit', undefined]);
    expect(decision.ledger.held).toBe(4);
  });

  it('counts as missing where its order has no row, and leaves a gap', () => {
    const decision = decide([intent(2, 'a'), event(3, [{ id: 'b' }])]);
    expect(decision).toMatchObject({ cancelled: [], intents: [], unmetIntents: 1, rewound: undefined });
    expect(decision.ledger).toMatchObject({ watermark: 0, ahead: [{ from: 3, to: 3 }] });
  });

  it('counts as missing where only a refusal of an older epoch is known of its order', () => {
    const row = known({ orderId: 'a', state: 'rejected', reason: 'old-epoch' });
    const ledger = { epoch: 2, epochOffset: 10n };
    const place = { epoch: 2, offset: 12n };
    expect(decide([intent(2, 'a', place)], { ledger, known: [row] })).toMatchObject({
      unmetIntents: 1,
      intents: [],
    });
    const both = decide([event(1, [{ id: 'a' }], place), intent(2, 'a', place)], { ledger, known: [row] });
    expect(both).toMatchObject({
      unmetIntents: 0,
      cancelled: [{ orderId: 'a' }],
      ledger: { watermark: 2, held: 0 },
    });
  });

  it('does nothing again, whatever has become of the order, and answers its state', () => {
    for (const state of ['cancelled', 'paid', 'expired', 'confirmed'] as const) {
      const row = known({ orderId: 'a', state, intent: noted });
      const ledger = { watermark: 2, watermarkOrderId: 'a', held: 1 };
      const decision = decide([intent(2, 'a')], { ledger, known: [row] });
      expect(decision).toMatchObject({ cancelled: [], intents: [], repeated: [row], rewound: undefined });
      expect(decision.ledger).toEqual({ ...LEDGER, ...ledger });
    }
  });

  it('that comes twice in a batch counts once', () => {
    const decision = decide([intent(2, 'a'), intent(2, 'a')], { ...HELD, known: [known({ orderId: 'a' })] });
    expect(decision).toMatchObject({ rewound: undefined, ledger: { held: 0 } });
    expect(decision.cancelled).toHaveLength(1);
  });
});

describe('a settlement', () => {
  it('names an order once that came again and ended in the same batch', () => {
    const parked = known({ orderId: 'a', state: 'parked', booked: 1 });
    const decision = decide([event(1, [{ id: 'a' }]), intent(2, 'a')], {
      ledger: { parked: 1, watermark: 1, watermarkOrderId: 'a' },
      known: [parked],
    });
    const { settlement } = itemResultOf(LEDGER, decision, NOW_MS);
    expect(settlement?.states.map(({ orderId, status }) => `${orderId} ${status}`)).toEqual(['a cancelled']);
  });
});

describe('a gate that went back in time', () => {
  it('is proven by two wishes for one order, in one batch and in two', () => {
    const row = known({ orderId: 'a', state: 'cancelled', intent: noted });
    const again = decide([intent(3, 'a')], { ledger: { watermark: 2 }, known: [row] });
    expect(again.rewound).toBe(REWOUND.movedIntent);
    const both = decide([intent(2, 'a'), intent(3, 'a')], { ...HELD, known: [known({ orderId: 'a' })] });
    expect(both).toMatchObject({
      rewound: REWOUND.movedIntent,
      ledger: { held: 0, suspendedReason: REWOUND.movedIntent },
    });
    expect(both.cancelled).toMatchObject([{ intent: noted }]);
    expect(both.intents).toEqual([{ orderId: 'a', epoch: 1, sequence: 3 }]);
  });

  it('gives the units of an order back once, however many wishes it sends', () => {
    const events = [
      event(1, [{ id: 'a', quantity: 4 }]),
      intent(2, 'a'),
      intent(3, 'a'),
      event(4, [{ id: 'b', quantity: 4 }, { id: 'c' }]),
    ];
    const decision = decide(events, { ledger: { initial: 4 } });
    expect(decision.decided.map(({ state }) => state)).toEqual(['confirmed', 'confirmed', 'rejected']);
    expect(decision.ledger).toMatchObject({ held: 4 });
  });

  it("is proven by a wish with an order's sequence, and by an order with a wish's", () => {
    const rows = [known({ orderId: 'a' }), known({ orderId: 'b', sequence: 2 })];
    const ledger = { watermark: 2, watermarkOrderId: 'b', held: 2 };
    expect(decide([intent(2, 'a')], { ledger, known: rows }).rewound).toBe(REWOUND.repeatedSequence);
    expect(decide([intent(1, 'a')], { ledger, known: rows }).rewound).toBe(REWOUND.repeatedSequence);
    const cancelled = known({ orderId: 'a', state: 'cancelled', intent: noted });
    const decision = decide([event(2, [{ id: 'c' }])], { ledger: { watermark: 2 }, known: [cancelled] });
    expect(decision.rewound).toBe(REWOUND.repeatedSequence);
  });
});

describe('a wish of an older epoch', () => {
  const ledger = { epoch: 2, epochOffset: 10n, held: 1 };

  it('counts up to the closing offset, without its sequence', () => {
    const decision = decide([intent(7, 'a', { offset: 10n })], { ledger, known: [known({ orderId: 'a' })] });
    expect(decision.cancelled).toMatchObject([{ orderId: 'a', gateEpoch: 2 }]);
    expect(decision).toMatchObject({ current: false, cancelled: [{ intent: { epoch: 1, sequence: 7 } }] });
    expect(decision.ledger).toMatchObject({ held: 0, watermark: 0, ahead: [] });
  });

  it('does nothing beyond it', () => {
    const decision = decide([intent(7, 'a', { offset: 11n })], { ledger, known: [known({ orderId: 'a' })] });
    expect(decision).toMatchObject({ cancelled: [], intents: [], unmetIntents: 0, ledger: { held: 1 } });
  });

  it('is forgotten where its order is taken over by the newer epoch', () => {
    const row = known({ orderId: 'a', state: 'rejected', reason: 'old-epoch' });
    const events = [intent(7, 'a', { offset: 10n }), event(1, [{ id: 'a' }], { epoch: 2, offset: 12n })];
    const decision = decide(events, { ledger: { ...ledger, held: 0 }, known: [row] });
    expect(decision).toMatchObject({
      intents: [],
      cancelled: [],
      decided: [{ state: 'confirmed', takesOver: true }],
    });
  });

  it('gives way to one of the newer epoch, and never takes its place', () => {
    const row = known({ orderId: 'a', state: 'paid', intent: { epoch: 1, sequence: 7 } });
    expect(decide([intent(1, 'a', { epoch: 2 })], { ledger, known: [row] })).toMatchObject({
      intents: [{ epoch: 2, sequence: 1 }],
      rewound: undefined,
    });
    const newer = { ...row, intent: { epoch: 2, sequence: 1 } };
    expect(decide([intent(7, 'a')], { ledger, known: [newer] })).toMatchObject({ intents: [] });
  });
});

describe('a wish that is put aside', () => {
  it('is noted with its sequence, and no copy of it cancels', () => {
    const row = known({ orderId: 'a' });
    const decision = decideParking(questionOf([intent(2, 'a')], { ...HELD, known: [row] }));
    expect(decision).toMatchObject({ cancelled: [], intents: [{ orderId: 'a', ...noted }] });
    expect(decision.ledger).toMatchObject({ held: 1, parked: 0, watermark: 2 });
    const copy = decide([intent(2, 'a')], { ledger: decision.ledger, known: [{ ...row, intent: noted }] });
    expect(copy).toMatchObject({ cancelled: [], intents: [], rewound: undefined });
  });

  it('is missing where its order has no row', () => {
    const decision = decideParking(questionOf([intent(2, 'a')]));
    expect(decision).toMatchObject({ unmetIntents: 1, intents: [], ledger: { watermark: 0, ahead: [] } });
  });
});
