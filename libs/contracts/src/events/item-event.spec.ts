import fc from 'fast-check';
import { orderIdOf } from '../ids';
import {
  decodeItemHeaders,
  decodeItemEvent,
  encodeItemEvent,
  itemEventSchema,
  lastSequenceOf,
  readItemEvent,
  type ItemEvent,
} from './item-event';
import { isPlainlyOrdersAccepted, type OrdersAccepted } from './orders-accepted.v1';

const order = (shopperId: string, quantity: number) => ({
  orderId: orderIdOf({ saleId: 's1', productId: 'p1', shopperId, idempotencyKey: 'k'.repeat(16) }),
  shopperId,
  quantity,
  fingerprint: 'abcdefghij-',
});
const event: OrdersAccepted = {
  type: 'orders-accepted.v1',
  saleId: 's1',
  productId: 'p1',
  epoch: 3,
  firstSequence: 17,
  acceptedAtMs: 1_790_000_000_000,
  orders: [order('ann', 1), order('bob@example.com', 10)],
};

const cancel: ItemEvent = {
  type: 'cancel-requested.v1',
  saleId: 's1',
  productId: 'p1',
  epoch: 3,
  firstSequence: 19,
  acceptedAtMs: 1_790_000_000_500,
  orderId: order('ann', 1).orderId,
  shopperId: 'ann',
};

describe("an item's event", () => {
  it('knows its last sequence', () => {
    expect(lastSequenceOf(event)).toBe(18);
    expect(lastSequenceOf(cancel)).toBe(19);
  });

  it('may be a wish to cancel, which comes back from body and from headers alone', () => {
    const { key, value, headers } = encodeItemEvent(cancel);

    expect(key).toBe('p1');
    expect(decodeItemEvent(value)).toEqual({ outcome: 'event', event: cancel });
    expect(decodeItemHeaders(headers)).toEqual({ outcome: 'event', event: cancel });
  });

  it('is unreadable where the order to cancel is of another item', () => {
    expect(decodeItemEvent(JSON.stringify({ ...cancel, productId: 'p2' }))).toMatchObject({
      outcome: 'unreadable',
    });
  });

  it('comes back from body and from headers alone', () => {
    const { key, value, headers } = encodeItemEvent(event);

    expect(key).toBe('p1');
    expect(decodeItemEvent(value)).toEqual({ outcome: 'event', event });
    expect(decodeItemHeaders(headers)).toEqual({ outcome: 'event', event });
  });

  it('carries the pass that an order redeemed in body and headers, and nothing where it redeemed none', () => {
    const [first, second] = event.orders;
    const guarded = { ...event, orders: [first!, { ...second!, passId: 'pass_of-bob-0001' }] };
    const { value, headers } = encodeItemEvent(guarded);

    for (const decoded of [decodeItemEvent(value), decodeItemHeaders(headers)]) {
      expect(decoded).toStrictEqual({ outcome: 'event', event: guarded });
    }
  });

  it.each<[string, object]>([
    ['another version', { ...event, type: 'orders-accepted.v2' }],
    ['no orders', { ...event, orders: [] }],
    ['a negative quantity', { ...event, orders: [order('ann', -1)] }],
    ['an order of another item', { ...event, productId: 'p2' }],
    ['an unknown field', { ...event, price: 1 }],
    ['an epoch of 0', { ...event, epoch: 0 }],
    ['half a pass', { ...event, orders: [{ ...order('ann', 1), passId: 'pass-of' }] }],
  ])('is unreadable with %s', (_, candidate) => {
    expect(decodeItemEvent(JSON.stringify(candidate))).toMatchObject({ outcome: 'unreadable' });
  });

  it('says why a body is unreadable without repeating it', () => {
    const decoded = decodeItemEvent('{"type":"canary-secret"');

    expect(decoded).toEqual({ outcome: 'unreadable', reason: 'the body is not JSON' });
    expect(JSON.stringify(decodeItemEvent('{"type":"canary-secret"}'))).not.toContain('canary');
  });

  it.each(['sale', 'epoch', 'orders', 'first-sequence'])('cannot be booked without the header %s', (name) => {
    const headers = Object.fromEntries(
      Object.entries(encodeItemEvent(event).headers).filter(([header]) => header !== name),
    );

    expect(decodeItemHeaders(headers)).toMatchObject({ outcome: 'unreadable' });
  });
});

describe('what is plainly an event', () => {
  const wrong = fc.constantFrom<unknown>(
    0,
    -1,
    1.5,
    11,
    2 ** 53,
    '',
    ' ',
    'a b',
    'x'.repeat(65),
    null,
    [],
    {},
    undefined,
  );

  /** An event with one thing in it changed, or added. */
  const changed = fc
    .record({
      inOrder: fc.boolean(),
      field: fc.constantFrom(
        ...Object.keys(event),
        ...Object.keys(event.orders[0]!),
        'passId',
        'more',
        '__proto__',
      ),
      value: fc.oneof(
        wrong,
        fc.constantFrom<unknown>(
          's1',
          's2',
          'ann',
          'orders-accepted.v1',
          3,
          order('ann', 1).orderId,
          'abcdefghij-',
          'pass_of-bob-0001',
        ),
        fc.constantFrom(64, 65).map((many) => Array.from({ length: many }, () => order('ann', 1))),
      ),
    })
    .map(({ inOrder, field, value }) => {
      const copy = JSON.parse(JSON.stringify(event)) as { orders: object[] };
      Object.defineProperty(inOrder ? copy.orders[1]! : copy, field, { value, enumerable: true });
      return copy;
    });

  it('is one by the schema, and is the same', () => {
    fc.assert(
      fc.property(changed, (candidate) => {
        const judged = itemEventSchema.safeParse(candidate);
        if (isPlainlyOrdersAccepted(candidate)) expect(judged.data).toEqual(candidate);
        expect(readItemEvent(candidate).outcome).toBe(judged.success ? 'event' : 'unreadable');
      }),
      { numRuns: 3_000 },
    );
  });

  it('is nearly everything that the gate writes', () => {
    expect(isPlainlyOrdersAccepted(event)).toBe(true);
    const orders = [order('ann', 1), { ...order('bob', 1), passId: 'pass_of-bob-0001' }];
    expect(isPlainlyOrdersAccepted({ ...event, orders })).toBe(true);
  });
});
