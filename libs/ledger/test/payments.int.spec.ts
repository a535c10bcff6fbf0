import type { ItemRef } from '@flux/contracts';
import { randomId } from '@flux/testing';
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

async function oneConfirmed(quantity = 1): Promise<{ readonly item: ItemRef; readonly orderId: string }> {
  const { item, orderIds } = await world.confirmed([{ quantity }]);
  return { item, orderId: orderIds[0]! };
}

describe('a payment in time', () => {
  it('turns held into sold, tells the gate, and has its events in order', async () => {
    const { item, orderId } = await oneConfirmed(2);
    const payment = await world.paymentFor(orderId);
    const paid = await shop.payments.pay(payment);

    expect(paid).toMatchObject({ outcome: 'paid', order: { orderId, state: 'paid', holdUntil: null } });
    expect(await world.ledger(item)).toMatchObject({ held: 0, sold: 2 });
    expect(await world.payment(payment.paymentId)).toMatchObject({ state: 'applied', provider: 'demo' });
    expect(await world.order(orderId)).toMatchObject({ gateEpoch: null, gateUnits: 0 });
    expect(await world.pathOf(orderId)).toEqual(['accepted', 'confirmed', 'paid']);
    expect(await world.eventIds(item)).toEqual([`${orderId}.confirmed`, `${orderId}.paid`]);
    await world.expectBalanced(item);
  });

  it('counts although the hold ran out, as long as nobody has ended the order', async () => {
    const { item, orderId } = await oneConfirmed();
    await world.runOut([orderId], 60_000);
    expect(await shop.payments.pay(await world.paymentFor(orderId))).toMatchObject({ outcome: 'paid' });
    expect(await shop.expire()).not.toContain(orderId);
    await world.expectBalanced(item);
  });

  it('counts once however often it comes, also at the same time to two processes', async () => {
    const { item, orderId } = await oneConfirmed();
    const payment = await world.paymentFor(orderId);
    const answers = await Promise.all(
      [shop, other, shop, other, shop].map(({ payments }) => payments.pay(payment)),
    );
    expect(answers).toHaveLength(5);
    for (const answer of answers) expect(answer).toMatchObject({ outcome: 'paid', order: { orderId } });
    expect(await world.ledger(item)).toMatchObject({ held: 0, sold: 1 });
    expect(await world.refundsOf(orderId)).toEqual([]);
    expect(await world.eventIds(item)).toEqual([`${orderId}.confirmed`, `${orderId}.paid`]);
    await world.expectBalanced(item);
  });

  it('does not count twice: the second payment of an order has to go back, once', async () => {
    const { item, orderId } = await oneConfirmed();
    const payments = [await world.paymentFor(orderId), await world.paymentFor(orderId)];
    const answers = await Promise.all(
      [...payments, ...payments].map((payment, index) => (index % 2 ? shop : other).payments.pay(payment)),
    );
    const [first, second] = answers.map(({ outcome }) => outcome);
    expect([first, second].sort()).toEqual(['paid', 'refundDue']);
    // The same payment, the same answer.
    expect(answers.slice(2).map(({ outcome }) => outcome)).toEqual([first, second]);
    const refunds = await world.refundsOf(orderId);
    const loser = payments[first === 'paid' ? 1 : 0]!;
    expect(refunds).toMatchObject([{ paymentId: loser.paymentId, amountMinor: 1_999, state: 'due' }]);
    expect(await world.ledger(item)).toMatchObject({ held: 0, sold: 1 });
    await world.expectBalanced(item);
  });

  it('changes nothing with another amount or currency, not even as a repeat', async () => {
    const { item, orderId } = await oneConfirmed();
    const payment = await world.paymentFor(orderId);
    for (const wrong of [{ amountMinor: 1_998 }, { amountMinor: 3_998 }, { currency: 'USD' }]) {
      expect(await shop.payments.pay({ ...payment, ...wrong })).toEqual({ outcome: 'amountMismatch' });
    }
    expect(await world.payment(payment.paymentId)).toBeNull();
    expect(await world.pathOf(orderId)).toEqual(['accepted', 'confirmed']);
    expect(await shop.payments.pay(payment)).toMatchObject({ outcome: 'paid' });
    expect(await shop.payments.pay({ ...payment, amountMinor: 1 })).toEqual({ outcome: 'amountMismatch' });
    await world.expectBalanced(item);
  });

  it('belongs to one order: its id for another one is refused, also at the same time', async () => {
    const orders = [await oneConfirmed(), await oneConfirmed()];
    const paymentId = randomId('pi');
    const answers = await Promise.all(
      orders.map(async ({ orderId }, index) =>
        (index === 0 ? shop : other).payments.pay(await world.paymentFor(orderId, { paymentId })),
      ),
    );
    expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['paid', 'reused']);
    for (const { item } of orders) await world.expectBalanced(item);
  });

  it('is not taken for an order that is not there', async () => {
    const { item, orderId } = await oneConfirmed();
    const payment = await world.paymentFor(orderId);
    const missing = `${item.saleId}.${item.productId}.${'x'.repeat(22)}`;
    for (const name of [missing, `no-sale.no-product.${'x'.repeat(22)}`, 'nonsense']) {
      expect(await shop.payments.pay({ ...payment, orderId: name })).toEqual({ outcome: 'unknownOrder' });
    }
    expect(await world.payment(payment.paymentId)).toBeNull();
  });
});

describe('money for an order that cannot have it', () => {
  it('goes back where the ledger has rejected the order', async () => {
    const item = await world.sale.openItem({ stock: 0, gateStock: 1 });
    const [orderId] = await world.buy(item, [{}]);
    const payment = await world.paymentFor(orderId!);
    const answers = [await shop.payments.pay(payment), await other.payments.pay(payment)];
    expect(answers.map(({ outcome }) => outcome)).toEqual(['refundDue', 'refundDue']);
    expect(await world.refundsOf(orderId!)).toMatchObject([{ paymentId: payment.paymentId, state: 'due' }]);
    expect(await world.pathOf(orderId!)).toEqual(['accepted', 'rejected']);
  });

  it('waits while the order is parked', async () => {
    const { item, orderId } = await oneConfirmed();
    await world.manager.query(
      "UPDATE orders SET state = 'parked', booked = quantity, hold_until = NULL WHERE order_id = $1",
      [orderId],
    );
    await world.manager.query('UPDATE ledger SET held = 0, parked = 1 WHERE sale_id = $1', [item.saleId]);
    const payment = await world.paymentFor(orderId);
    expect(await shop.payments.pay(payment)).toEqual({ outcome: 'notConfirmed' });
    expect(await world.payment(payment.paymentId)).toBeNull();
  });
});

describe('a refund', () => {
  it('that is heard of before its payment keeps the order from being paid with it', async () => {
    const { item, orderId } = await oneConfirmed();
    const payment = { ...(await world.paymentFor(orderId)), provider: 'stripe' };
    for (let copy = 0; copy < 2; copy += 1) await shop.payments.noteRefund({ ...payment, reason: 'fraud' });
    expect(await shop.payments.pay(payment)).toEqual({ outcome: 'refunded' });
    expect(await world.pathOf(orderId)).toEqual(['accepted', 'confirmed']);
    expect(await world.refundsOf(orderId)).toMatchObject([{ state: 'done', reason: 'fraud' }]);
    expect(await shop.payments.pay(await world.paymentFor(orderId))).toMatchObject({ outcome: 'paid' });
    await world.expectBalanced(item);
  });

  it('is listed while it is due, and done once', async () => {
    const provider = randomId('provider');
    const { orderId } = await oneConfirmed();
    const paid = await world.paymentFor(orderId, { provider });
    const due = await world.paymentFor(orderId, { provider });
    const noted = await world.paymentFor(orderId, { provider });
    await shop.payments.pay(paid);
    await shop.payments.pay(due);
    await shop.payments.pay(noted);
    const dueIds = async () =>
      (await shop.payments.refundsDue(provider, 10)).map(({ paymentId }) => paymentId);
    expect(await dueIds()).toEqual([due.paymentId, noted.paymentId]);
    await shop.payments.refundDone(due.paymentId);
    // The provider's own word of it.
    await shop.payments.noteRefund({ ...noted, reason: 'requested' });
    expect(await dueIds()).toEqual([]);
    const before = await world.refundsOf(orderId);
    expect(before.map(({ state, doneAt }) => [state, doneAt instanceof Date])).toEqual([
      ['done', true],
      ['done', true],
    ]);
    await shop.payments.refundDone(due.paymentId);
    await shop.payments.noteRefund({ ...due, reason: 'again' });
    expect(await world.refundsOf(orderId)).toEqual(before);

    const first = await shop.payments.refunds({ limit: 1, orderId });
    const rest = await shop.payments.refunds({ limit: 5, orderId, after: first[0]!.paymentId });
    expect([...first, ...rest].map(({ paymentId }) => paymentId)).toEqual(
      [due.paymentId, noted.paymentId].sort(),
    );
    expect(await shop.payments.refunds({ limit: 5, orderId, state: 'due' })).toEqual([]);
  });
});
