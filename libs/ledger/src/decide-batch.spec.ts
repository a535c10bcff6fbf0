import fc from 'fast-check';
import { decideItem, decideParking, REWOUND, type KnownOrder, type LedgerRow } from './decide-batch';
import type { DecidedOrder, ItemDecision, PlacedEvent } from './decide-batch';

const LEDGER: LedgerRow = {
  saleId: 's',
  productId: 'p',
  initial: 10,
  held: 0,
  sold: 0,
  parked: 0,
  epoch: 1,
  epochOffset: undefined,
  watermark: 0,
  watermarkOrderId: '',
  ahead: [],
  suspendedReason: undefined,
  perShopperLimit: 4,
  holdMs: 1_000,
};

interface Accepted {
  readonly id: string;
  readonly shopper?: string;
  readonly quantity?: number;
}

function event(
  firstSequence: number,
  orders: readonly Accepted[],
  place: { epoch?: number; offset?: bigint } = {},
) {
  return {
    offset: place.offset ?? 0n,
    event: {
      type: 'orders-accepted.v1',
      saleId: 's',
      productId: 'p',
      epoch: place.epoch ?? 1,
      firstSequence,
      acceptedAtMs: 1_000,
      orders: orders.map(({ id, shopper = id, quantity = 1 }) => ({
        orderId: id,
        shopperId: shopper,
        quantity,
        fingerprint: 'fffffffffff',
      })),
    },
  } as const satisfies PlacedEvent;
}

function decide(
  events: readonly PlacedEvent[],
  ledger: Partial<LedgerRow> = {},
  known: readonly KnownOrder[] = [],
  units: Record<string, number> = {},
): ItemDecision {
  return decideItem({
    ledger: { ...LEDGER, ...ledger },
    known: new Map(known.map((order) => [order.orderId, order])),
    unitsOf: new Map(Object.entries(units)),
    events,
  });
}

function known(order: Partial<KnownOrder> & { readonly orderId: string }): KnownOrder {
  return {
    shopperId: order.orderId,
    quantity: 1,
    state: 'confirmed',
    reason: undefined,
    epoch: 1,
    sequence: 1,
    decidedAtMs: 0,
    ...order,
  };
}

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
    const decision = decide([event(1, orders)], {}, [], { x: 1 });
    expect(outcomes(decision)).toEqual(['a confirmed', 'b shopper-limit', 'c confirmed']);
  });

  it('leaves known orders alone and hands them back', () => {
    const rejected = known({ orderId: 'a', state: 'rejected', reason: 'no-units' });
    const decision = decide([event(1, [{ id: 'a' }]), event(1, [{ id: 'a' }])], { watermark: 1 }, [rejected]);
    expect(decision).toMatchObject({ decided: [], repeated: [rejected], rewound: undefined });
    expect(decision.ledger).toMatchObject({ held: 0, watermark: 1 });
  });

  it('decides an order once when its event comes twice in one batch', () => {
    const decision = decide([event(1, [{ id: 'a' }]), event(1, [{ id: 'a' }])]);
    expect(outcomes(decision)).toEqual(['a confirmed']);
    expect(decision).toMatchObject({ repeated: [], rewound: undefined, ledger: { held: 1 } });
  });

  it('proves a rewind by a sequence that comes again under an unknown id, and judges the order all the same', () => {
    const decision = decide([event(2, [{ id: 'b' }])], { watermark: 3, watermarkOrderId: 'o3' });
    expect(outcomes(decision)).toEqual(['b confirmed']);
    expect(decision.rewound).toBe(REWOUND.repeatedSequence);
    expect(decision.ledger).toMatchObject({ watermark: 3, suspendedReason: REWOUND.repeatedSequence });
  });

  it('proves a rewind inside one batch', () => {
    expect(decide([event(1, [{ id: 'a' }]), event(1, [{ id: 'b' }])]).rewound).toBe(REWOUND.repeatedSequence);
  });

  it('proves a rewind by an order that got another sequence in the same epoch', () => {
    const decision = decide([event(7, [{ id: 'a' }])], {}, [known({ orderId: 'a', sequence: 5 })]);
    expect(decision.rewound).toBe(REWOUND.movedOrder);
  });

  it('keeps the first reason of a suspension', () => {
    const decision = decide([event(1, [{ id: 'b' }])], { watermark: 1, suspendedReason: 'first' });
    expect(decision.ledger.suspendedReason).toBe('first');
  });

  describe('with a newer epoch', () => {
    const ledger = { epoch: 2, epochOffset: 100n };

    it('applies what lies before the fence, without touching sequences', () => {
      const decision = decide([event(7, [{ id: 'a' }], { epoch: 1, offset: 100n })], ledger);
      expect(outcomes(decision)).toEqual(['a confirmed']);
      expect(decision).toMatchObject({ current: false, ledger: { held: 1, watermark: 0, ahead: [] } });
    });

    it('refuses what lies beyond it', () => {
      const decision = decide([event(7, [{ id: 'a' }], { epoch: 1, offset: 101n })], ledger);
      expect(outcomes(decision)).toEqual(['a old-epoch']);
      expect(decision.ledger.held).toBe(0);
    });

    it('gives a row rejected as old-epoch to the order accepted in the newer epoch', () => {
      const row = known({ orderId: 'a', state: 'rejected', reason: 'old-epoch', epoch: 1, sequence: 7 });
      const decision = decide([event(1, [{ id: 'a' }], { epoch: 2, offset: 102n })], ledger, [row]);
      expect(decision.decided).toMatchObject([
        { orderId: 'a', state: 'confirmed', epoch: 2, takesOver: true },
      ]);
      expect(decision.rewound).toBeUndefined();
    });

    it('does so within one batch, where there is no row yet', () => {
      const decision = decide(
        [
          event(7, [{ id: 'a' }], { epoch: 1, offset: 101n }),
          event(1, [{ id: 'a' }], { epoch: 2, offset: 102n }),
        ],
        ledger,
      );
      expect(decision.decided).toMatchObject([
        { orderId: 'a', state: 'confirmed', epoch: 2, takesOver: false },
      ]);
    });

    it('takes over no row that was rejected for another reason', () => {
      const row = known({ orderId: 'a', state: 'rejected', reason: 'no-units', epoch: 1 });
      const decision = decide([event(1, [{ id: 'a' }], { epoch: 2, offset: 102n })], ledger, [row]);
      expect(decision).toMatchObject({ decided: [], repeated: [row] });
    });
  });

  it('agrees with a plain model, and a redelivery of everything changes nothing', () => {
    fc.assert(fc.property(worlds, agreesWithModel), { numRuns: 300 });
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

interface World {
  readonly initial: number;
  readonly limit: number;
  readonly orders: readonly { readonly shopper: number; readonly quantity: number }[];
  /** Sizes of the events that the orders are cut into. */
  readonly cuts: readonly number[];
  /** Events delivered, by index: in order, some again. */
  readonly deliveries: readonly number[];
}

const worlds: fc.Arbitrary<World> = fc.record({
  initial: fc.integer({ min: 0, max: 20 }),
  limit: fc.integer({ min: 1, max: 5 }),
  orders: fc.array(
    fc.record({ shopper: fc.integer({ min: 0, max: 4 }), quantity: fc.integer({ min: 1, max: 4 }) }),
    { minLength: 1, maxLength: 30 },
  ),
  cuts: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 30 }),
  deliveries: fc.array(fc.integer({ min: 0, max: 29 }), { minLength: 1, maxLength: 60 }),
});

function agreesWithModel({ initial, limit, orders, cuts, deliveries }: World): void {
  const events = eventsOf(orders, cuts);
  const delivered = deliveries.map((index) => events[index % events.length]!);

  // The model: one order after the other, nothing but a free counter, counts by shopper and a set of ids.
  let free = initial;
  const counts = new Map<string, number>();
  const verdicts = new Map<string, string>();
  const sequences = new Set<number>();
  for (const { event } of delivered) {
    for (const [index, { orderId, shopperId, quantity }] of event.orders.entries()) {
      sequences.add(event.firstSequence + index);
      if (verdicts.has(orderId)) continue;
      const had = counts.get(shopperId) ?? 0;
      const fits = had + quantity <= limit && quantity <= free;
      verdicts.set(orderId, fits ? 'confirmed' : 'rejected');
      if (!fits) continue;
      free -= quantity;
      counts.set(shopperId, had + quantity);
    }
  }

  let ledger: LedgerRow = { ...LEDGER, initial, perShopperLimit: limit };
  const rows = new Map<string, KnownOrder>();
  const orderOfDecision: string[] = [];
  for (const batch of chunks(delivered, 3)) {
    const decision = decideItem({ ledger, known: rows, unitsOf: unitsIn(rows), events: batch });
    expect(decision.rewound).toBeUndefined();
    ledger = decision.ledger;
    expect(ledger.held).toBeLessThanOrEqual(initial);
    for (const order of decision.decided) {
      rows.set(order.orderId, rowOf(order));
      orderOfDecision.push(order.orderId);
    }
  }
  expect(orderOfDecision).toEqual([...verdicts.keys()]);
  expect([...rows.values()].map(({ orderId, state }) => [orderId, state])).toEqual([...verdicts]);
  expect(ledger.held).toBe(initial - free);
  expect(unitsIn(rows)).toEqual(counts);
  let prefix = 0;
  while (sequences.has(prefix + 1)) prefix += 1;
  expect(ledger.watermark).toBe(prefix);

  const again = decideItem({ ledger, known: rows, unitsOf: unitsIn(rows), events: delivered });
  expect(again).toMatchObject({ decided: [], rewound: undefined });
  expect(again.ledger).toEqual(ledger);
}

function eventsOf(orders: World['orders'], cuts: readonly number[]): PlacedEvent[] {
  const events: PlacedEvent[] = [];
  for (let from = 0; from < orders.length;) {
    const size = cuts[events.length % cuts.length]!;
    const accepted = orders
      .slice(from, from + size)
      .map(({ shopper, quantity }, index) => ({ id: `o${from + index}`, shopper: `s${shopper}`, quantity }));
    events.push(event(from + 1, accepted));
    from += size;
  }
  return events;
}

function rowOf(order: DecidedOrder): KnownOrder {
  const { orderId, shopperId, quantity, state, reason, epoch, sequence } = order;
  return { orderId, shopperId, quantity, state, reason, epoch, sequence, decidedAtMs: 0 };
}

function unitsIn(rows: ReadonlyMap<string, KnownOrder>): Map<string, number> {
  const units = new Map<string, number>();
  for (const { shopperId, quantity, state } of rows.values()) {
    if (state === 'confirmed') units.set(shopperId, (units.get(shopperId) ?? 0) + quantity);
  }
  return units;
}

function chunks<Value>(values: readonly Value[], size: number): Value[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, index * size + size),
  );
}
