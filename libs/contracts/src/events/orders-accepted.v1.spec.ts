import { orderIdOf } from '../ids';
import {
  decodeBookingHeaders,
  decodeOrdersAccepted,
  encodeOrdersAccepted,
  type OrdersAccepted,
} from './orders-accepted.v1';

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

describe('orders-accepted.v1', () => {
  it('comes back from body and from headers alone', () => {
    const { key, value, headers } = encodeOrdersAccepted(event);

    expect(key).toBe('p1');
    expect(decodeOrdersAccepted(value)).toEqual({ outcome: 'event', event });
    expect(decodeBookingHeaders(headers)).toEqual({ outcome: 'event', event });
  });

  it.each<[string, object]>([
    ['another version', { ...event, type: 'orders-accepted.v2' }],
    ['no orders', { ...event, orders: [] }],
    ['a negative quantity', { ...event, orders: [order('ann', -1)] }],
    ['an order of another item', { ...event, productId: 'p2' }],
    ['an unknown field', { ...event, price: 1 }],
    ['an epoch of 0', { ...event, epoch: 0 }],
  ])('is unreadable with %s', (_, candidate) => {
    expect(decodeOrdersAccepted(JSON.stringify(candidate))).toMatchObject({ outcome: 'unreadable' });
  });

  it('says why a body is unreadable without repeating it', () => {
    const decoded = decodeOrdersAccepted('{"type":"canary-secret"');

    expect(decoded).toEqual({ outcome: 'unreadable', reason: 'the body is not JSON' });
    expect(JSON.stringify(decodeOrdersAccepted('{"type":"canary-secret"}'))).not.toContain('canary');
  });

  it.each(['sale', 'epoch', 'orders', 'first-sequence'])('cannot be booked without the header %s', (name) => {
    const headers = Object.fromEntries(
      Object.entries(encodeOrdersAccepted(event).headers).filter(([header]) => header !== name),
    );

    expect(decodeBookingHeaders(headers)).toMatchObject({ outcome: 'unreadable' });
  });
});
