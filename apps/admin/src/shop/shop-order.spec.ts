import type { PastState } from '@flux/ledger';
import { type OrderFacts, historyOf, shopOrder } from './shop-order';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 10, 0, second)).toISOString();
const order: OrderFacts = {
  orderId: 'drop.shoe.0123456789012345678901',
  saleId: 'drop',
  productId: 'shoe',
  shopperId: 'ann',
  quantity: 3,
  state: 'confirmed',
  reason: null,
  acceptedAt: at(0),
  decidedAt: at(1),
  holdUntil: at(31),
};

describe('an order as the shop sees it', () => {
  it('costs price times quantity, and is held while it is confirmed', () => {
    expect(shopOrder(order, { priceMinor: 1_999, currency: 'EUR' })).toEqual({
      orderId: order.orderId,
      saleId: 'drop',
      productId: 'shoe',
      shopperId: 'ann',
      quantity: 3,
      amountMinor: 5_997,
      currency: 'EUR',
      status: 'confirmed',
      acceptedAt: '2026-01-01T10:00:00.000Z',
      updatedAt: '2026-01-01T10:00:01.000Z',
      holdUntil: '2026-01-01T10:00:31.000Z',
    });
  });

  it('has a history that ends with the present', () => {
    const history = [
      { status: 'confirmed', at: at(1) },
      { status: 'expired', at: at(31) },
    ] satisfies PastState[];
    const paid = historyOf({ ...order, state: 'paid', decidedAt: at(40), history });
    expect(paid.map(({ status, at: time }) => [status, new Date(time).getUTCSeconds()])).toEqual([
      ['accepted', 0],
      ['confirmed', 1],
      ['expired', 31],
      ['paid', 40],
    ]);
    const rejected = historyOf({ ...order, state: 'rejected', reason: 'no-units', history: null });
    expect(rejected.at(-1)).toMatchObject({ status: 'rejected', reason: 'no-units' });
  });

  it('is accepted once, however often it was parked', () => {
    const parked = historyOf({ ...order, state: 'parked', history: null });
    expect(parked.map(({ status }) => status)).toEqual(['accepted']);
    const retried = historyOf({ ...order, history: [{ status: 'accepted', at: at(1) }] });
    expect(retried.map(({ status }) => status)).toEqual(['accepted', 'confirmed']);
  });
});
