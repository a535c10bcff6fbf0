import type { ItemEvent } from '@flux/contracts';
import fc from 'fast-check';
import { catchUpStep, isMissing, type CatchUpQuestion } from '../src/catch-up';
import { REWOUND } from '../src/decide-batch';
import type { KnownOrder } from '../src/ledger-row';
import { event, intent, known } from './decisions';

const ITEM = { saleId: 's', productId: 'p', epoch: 1 };

function step(question: Partial<CatchUpQuestion> & { readonly rows: readonly KnownOrder[] }) {
  const { rows, ...rest } = question;
  return catchUpStep({
    ...{ ...ITEM, settled: 0, watermark: 100, events: [] },
    known: new Map(rows.map((row) => [row.orderId, row])),
    ...rest,
  });
}

const orders = (first: number, ...ids: string[]): ItemEvent =>
  event(
    first,
    ids.map((id) => ({ id })),
  ).event;
const wish = (sequence: number, id: string): ItemEvent => intent(sequence, id).event;

interface Asked {
  readonly event: ItemEvent;
  readonly rows: readonly KnownOrder[];
  /** The ledger's. */
  readonly epoch?: number;
}

describe('an event', () => {
  const again = event(1, [{ id: 'a' }], { epoch: 2 }).event;
  const asked = ({ event: item, rows, epoch = 1 }: Asked): boolean =>
    isMissing(item, new Map(rows.map((row) => [row.orderId, row])), epoch);

  it.each<[string, Asked]>([
    ['an order has no row', { event: orders(1, 'a', 'b'), rows: [known({ orderId: 'a' })] }],
    [
      'a row was refused in an older epoch',
      { event: again, rows: [known({ orderId: 'a', state: 'rejected', reason: 'old-epoch' })], epoch: 2 },
    ],
    ['no row notes the wish', { event: wish(2, 'a'), rows: [known({ orderId: 'a' })] }],
    ['the order of the wish has no row', { event: wish(2, 'a'), rows: [] }],
    [
      'its row notes another wish',
      { event: wish(2, 'a'), rows: [known({ orderId: 'a', intent: { epoch: 1, sequence: 3 } })] },
    ],
  ])('is missing where %s', (_, question) => {
    expect(asked(question)).toBe(true);
  });

  it.each<[string, Asked]>([
    ['every order has a row', { event: orders(1, 'a'), rows: [known({ orderId: 'a', state: 'expired' })] }],
    [
      'the shop cancelled it in the words of a refusal',
      { event: again, rows: [known({ orderId: 'a', state: 'cancelled', reason: 'old-epoch' })], epoch: 2 },
    ],
    [
      'its row notes the wish',
      { event: wish(2, 'a'), rows: [known({ orderId: 'a', intent: { epoch: 1, sequence: 2 } })] },
    ],
    ['the epoch of the wish has ended', { event: wish(2, 'a'), rows: [known({ orderId: 'a' })], epoch: 2 }],
  ])('is not missing where %s', (_, question) => {
    expect(asked(question)).toBe(false);
  });
});

describe('a step that brings a gate up to date', () => {
  const at = (orderId: string, decidedAtMs: number, changes: Partial<KnownOrder> = {}): KnownOrder =>
    known({ orderId, decidedAtMs, ...changes });

  it('settles with the states of now, and a run for each time at which orders were confirmed', () => {
    const rows = [
      at('a', 10),
      at('b', 10),
      at('c', 20, { state: 'rejected', reason: 'no-units' }),
      at('d', 20),
      at('e', 90, { state: 'expired', intent: { epoch: 1, sequence: 6 } }),
      at('f', 30),
    ];
    const events = [orders(1, 'a', 'b', 'c'), orders(4, 'd', 'e'), wish(6, 'e'), orders(7, 'f')];
    expect(step({ events, rows, watermark: 7 })).toEqual({
      outcome: 'settle',
      request: {
        ...ITEM,
        watermark: 7,
        watermarkOrderId: 'f',
        statesAfter: 0,
        states: [
          { orderId: 'c', status: 'rejected', shopperId: 'c', quantity: 1, changedAtMs: 20 },
          { orderId: 'e', status: 'expired', shopperId: 'e', quantity: 1, changedAtMs: 90 },
        ],
        runs: [
          { upTo: 3, atMs: 10 },
          { upTo: 6, atMs: 20 },
          { upTo: 7, atMs: 30 },
        ],
      },
    });
  });

  it('can end at a wish, whose order it names', () => {
    const rows = [at('a', 10, { state: 'cancelled', intent: { epoch: 1, sequence: 4 } })];
    expect(step({ events: [wish(4, 'a')], rows, settled: 3, watermark: 4 })).toMatchObject({
      request: {
        watermark: 4,
        watermarkOrderId: 'a',
        states: [],
        statesAfter: 3,
        runs: [{ upTo: 4, atMs: 10 }],
      },
    });
  });

  it("stops at the ledger's watermark, inside an event too, and begins inside one", () => {
    const rows = ['a', 'b', 'c'].map((id) => at(id, 10));
    const events = [orders(1, 'a', 'b', 'c', 'd')];
    expect(step({ events, rows, settled: 1, watermark: 3 })).toMatchObject({
      request: { watermark: 3, watermarkOrderId: 'c', statesAfter: 1 },
    });
    expect(step({ events, rows, settled: 3, watermark: 3 })).toEqual({ outcome: 'nothing' });
  });

  it('settles nothing where the first event does not follow, and stops at a gap', () => {
    const rows = ['a', 'b'].map((id) => at(id, 10));
    expect(step({ events: [orders(3, 'a')], rows })).toEqual({ outcome: 'nothing' });
    expect(step({ events: [], rows })).toEqual({ outcome: 'nothing' });
    expect(step({ events: [orders(1, 'a'), orders(3, 'b')], rows })).toMatchObject({
      request: { watermark: 1 },
    });
    expect(step({ events: [event(1, [{ id: 'a' }], { epoch: 2 }).event], rows })).toEqual({
      outcome: 'nothing',
    });
  });

  it('proves a rewind by an event at or below the watermark of which the ledger knows nothing', () => {
    const rewound = { outcome: 'rewound', reason: REWOUND.repeatedSequence };
    expect(step({ events: [orders(1, 'a', 'x')], rows: [at('a', 10)] })).toEqual(rewound);
    expect(step({ events: [wish(1, 'a')], rows: [at('a', 10)] })).toEqual(rewound);
  });

  it('step by step settles all that was judged, each state once, whatever the pages are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ size: fc.integer({ min: 1, max: 4 }), atMs: fc.integer({ min: 1, max: 3 }) }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.array(fc.constantFrom<KnownOrder['state']>('confirmed', 'rejected', 'parked', 'paid'), {
          minLength: 1,
          maxLength: 5,
        }),
        fc.record({ page: fc.integer({ min: 1, max: 4 }), watermark: fc.nat(50) }),
        (sizes, states, { page, watermark }) => {
          const rows: KnownOrder[] = [];
          const events = sizes.map(({ size, atMs }) => {
            const first = rows.length + 1;
            for (let index = 0; index < size; index += 1) {
              rows.push(at(`o${rows.length + 1}`, atMs, { state: states[rows.length % states.length]! }));
            }
            return orders(first, ...rows.slice(first - 1).map(({ orderId }) => orderId));
          });
          const upTo = Math.min(watermark, rows.length);
          let settled = 0;
          const told: string[] = [];
          const runs: { readonly upTo: number; readonly atMs: number }[] = [];
          for (;;) {
            const next = events.filter(
              ({ firstSequence, ...rest }) =>
                firstSequence + ('orders' in rest ? rest.orders.length : 1) - 1 > settled,
            );
            const found = step({ events: next.slice(0, page), rows, settled, watermark: upTo });
            if (found.outcome !== 'settle') {
              expect(found).toEqual({ outcome: 'nothing' });
              break;
            }
            expect(found.request.runs.at(-1)?.upTo).toBe(found.request.watermark);
            told.push(...found.request.states.map(({ orderId }) => orderId));
            runs.push(...found.request.runs);
            settled = found.request.watermark;
          }
          expect(settled).toBe(upTo);
          const judged = rows.slice(0, upTo);
          expect(told).toEqual(
            judged.filter(({ state }) => state !== 'confirmed').map(({ orderId }) => orderId),
          );
          for (const [place, { state, decidedAtMs }] of judged.entries()) {
            if (state === 'confirmed') expect(runs.find((run) => run.upTo > place)?.atMs).toBe(decidedAtMs);
          }
          expect(runs.map((run) => run.upTo)).toEqual(
            [...new Set(runs.map((run) => run.upTo))].sort((a, b) => a - b),
          );
        },
      ),
    );
  });
});
