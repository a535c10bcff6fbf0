import { orderIdOf } from '../ids';
import {
  decodeItemHeaders,
  decodeItemEvent,
  encodeItemEvent,
  lastSequenceOf,
  type ItemEvent,
} from './item-event';
import type { OrdersAccepted } from './orders-accepted.v1';

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

  it.each<[string, object]>([
    ['another version', { ...event, type: 'orders-accepted.v2' }],
    ['no orders', { ...event, orders: [] }],
    ['a negative quantity', { ...event, orders: [order('ann', -1)] }],
    ['an order of another item', { ...event, productId: 'p2' }],
    ['an unknown field', { ...event, price: 1 }],
    ['an epoch of 0', { ...event, epoch: 0 }],
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
