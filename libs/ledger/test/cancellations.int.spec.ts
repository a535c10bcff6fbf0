import type { ItemRef } from '@flux/contracts';
import { LifeWorld, type LifeProcess } from './life-world';

jest.setTimeout(120_000);

let world: LifeWorld;
let shop: LifeProcess;
let other: LifeProcess;

beforeAll(async () => {
  world = await LifeWorld.start();
  [shop, other] = await Promise.all([world.process(), world.process()]);
});
afterAll(() => world.stop());

async function available(item: ItemRef): Promise<number | undefined> {
  return (await world.sale.clients.gate.readItem(item))?.available;
}

describe('the shop cancels', () => {
  it('an order that waits for its payment: units and count go back once, with the reason', async () => {
    const { item, orderIds } = await world.confirmed([{ quantity: 2 }]);
    const request = { orderId: orderIds[0]!, reason: 'out of "stock"' };
    const answers = await Promise.all(
      [shop, other, shop].map(({ cancellations }) => cancellations.cancel(request)),
    );
    for (const answer of answers) {
      expect(answer).toMatchObject({
        outcome: 'cancelled',
        order: { state: 'cancelled', reason: request.reason },
      });
    }
    await shop.cancellations.cancel({ ...request, reason: 'another' });
    expect(await world.order(request.orderId)).toMatchObject({ reason: request.reason, gateEpoch: null });
    expect(await world.pathOf(request.orderId)).toEqual(['accepted', 'confirmed', 'cancelled']);
    expect(await available(item)).toBe(2);
    expect(await world.eventIds(item)).toEqual(
      ['confirmed', 'cancelled'].map((status) => `${request.orderId}.${status}`),
    );
    await world.expectBalanced(item);
  });

  it('a parked order: what was booked goes back, and the count', async () => {
    const { item, orderIds } = await world.confirmed([{ quantity: 3 }]);
    const [orderId] = orderIds;
    await world.manager.query(
      "UPDATE orders SET state = 'parked', booked = 2, hold_until = NULL WHERE order_id = $1",
      [orderId],
    );
    await world.manager.query('UPDATE ledger SET held = 0, parked = 2, initial = 2 WHERE sale_id = $1', [
      item.saleId,
    ]);
    const answer = await shop.cancellations.cancel({ orderId: orderId!, reason: 'unreadable' });
    expect(answer).toMatchObject({
      outcome: 'cancelled',
      order: { booked: 0, history: [{ status: 'accepted' }] },
    });
    expect(await available(item)).toBe(2);
    await world.expectBalanced(item);
  });

  it('nothing that is paid, expired or rejected, and nothing that is not there', async () => {
    const { item, orderIds } = await world.confirmed(2, { gateStock: 3 });
    const [rejected] = await world.buy(item, 1);
    await shop.payments.pay(await world.paymentFor(orderIds[0]!));
    await world.runOut([orderIds[1]!]);
    await shop.expire();
    const before = await world.eventIds(item);
    for (const [orderId, state] of [
      [orderIds[0]!, 'paid'],
      [orderIds[1]!, 'expired'],
      [rejected!, 'rejected'],
    ] as const) {
      const answer = await shop.cancellations.cancel({ orderId, reason: 'no' });
      expect(answer).toMatchObject({ outcome: 'notCancellable', order: { orderId, state } });
    }
    for (const orderId of [`${item.saleId}.${item.productId}.${'x'.repeat(22)}`, 'nonsense']) {
      expect(await shop.cancellations.cancel({ orderId, reason: 'no' })).toEqual({ outcome: 'unknownOrder' });
    }
    expect(await world.eventIds(item)).toEqual(before);
  });

  it('or is paid, at the same instant: one of them, and the other hears so', async () => {
    const { item, orderIds } = await world.confirmed(100);
    const cancelled = new Set<string>();
    for (let from = 0; from < orderIds.length; from += 10) {
      await Promise.all(
        orderIds.slice(from, from + 10).map(async (orderId, index) => {
          const payment = await world.paymentFor(orderId);
          const pay = () => shop.payments.pay(payment);
          const cancel = () => other.cancellations.cancel({ orderId, reason: 'no' });
          const [paid, cancellation] =
            index % 2 === 0
              ? await Promise.all([pay(), cancel()])
              : await Promise.all([cancel(), pay()]).then(([second, one]) => [one, second] as const);
          const path = (await world.pathOf(orderId)).slice(2);
          // A payment that comes after the cancellation takes the unit anew: it is still there.
          expect(paid.outcome).toBe('paid');
          if (cancellation.outcome === 'cancelled') {
            cancelled.add(orderId);
            expect(path).toEqual(['cancelled', 'paid']);
          } else {
            expect(cancellation.outcome).toBe('notCancellable');
            expect(path).toEqual(['paid']);
          }
        }),
      );
    }
    expect(cancelled.size).toBeGreaterThan(0);
    expect(cancelled.size).toBeLessThan(100);
    await shop.tellGate.tellDue(100, 0);
    expect(await world.ledger(item)).toMatchObject({ held: 0, sold: 100 });
    await world.expectBalanced(item);
  });
});
