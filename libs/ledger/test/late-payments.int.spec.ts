import type { ItemRef } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { LatePayments, PaymentEntity, REFUND_REASONS, TellGate, type PayOutcome } from '@flux/ledger';
import { opening, randomId, waitUntil } from '@flux/testing';
import { IsNull, Not } from 'typeorm';
import { LifeWorld, RemoteProcess, type LifeProcess } from './life-world';

jest.setTimeout(120_000);

let world: LifeWorld;
let shop: LifeProcess;
let other: LifeProcess;
let far: RemoteProcess;
let remote: LifeProcess;

beforeAll(async () => {
  world = await LifeWorld.start();
  [shop, other, far] = await Promise.all([world.process(), world.process(), RemoteProcess.start(world)]);
  remote = far.process;
});
afterAll(async () => {
  await world.stop();
  await far.proxy.stop();
});
beforeEach(() => far.mend());

interface One {
  readonly item: ItemRef;
  readonly orderId: string;
}

async function oneExpired(left = 0, shopperId = randomId('shopper'), perShopperLimit = 10): Promise<One> {
  const { item, orderIds } = await world.expired([{ shopperId }], { left, perShopperLimit });
  return { item, orderId: orderIds[0]! };
}

async function available(item: ItemRef): Promise<number | undefined> {
  return (await world.sale.clients.gate.readItem(item))?.available;
}

function keysOf(item: ItemRef): string[] {
  return Object.values<string>({ ...itemKeys(item) });
}

async function loseKeys(item: ItemRef): Promise<void> {
  await world.sale.redis.client.del(...keysOf(item));
}

async function retire(item: ItemRef): Promise<void> {
  await world.manager.query("UPDATE sales SET state = 'retired' WHERE id = $1", [item.saleId]);
}

/** What a rebuild does, as far as the units go. */
async function rebuild(item: ItemRef, epoch: number): Promise<void> {
  await world.manager.query('UPDATE ledger SET epoch = $2 WHERE sale_id = $1', [item.saleId, epoch]);
  const { initial, held, sold, parked } = await world.ledger(item);
  await loseKeys(item);
  const free = initial - held - sold - parked;
  const opened = await world.sale.clients.gate.open(opening(item, { epoch, available: free }));
  expect(opened).toEqual({ outcome: 'opened' });
}

async function expectRefundDue(answer: PayOutcome, { item, orderId }: One, reason: RegExp): Promise<void> {
  if (answer.outcome !== 'refundDue') throw new Error(`answered ${answer.outcome}`);
  expect(answer.refund).toMatchObject({ orderId, state: 'due', provider: 'demo', currency: 'EUR' });
  expect(answer.refund.reason).toMatch(reason);
  expect(await world.refundsOf(orderId)).toHaveLength(1);
  expect((await world.eventIds(item)).filter((id) => id === `${orderId}.paid`)).toEqual([]);
}

describe('a payment for an order that had ended', () => {
  it.each(['expired', 'cancelled'] as const)('takes the unit anew where there is one: %s', async (end) => {
    const { item, orderIds } = await world.confirmed([{ quantity: 2 }], { left: 1 });
    const orderId = orderIds[0]!;
    if (end === 'expired') {
      await world.runOut(orderIds);
      await shop.expire();
    } else await shop.cancellations.cancel({ orderId, reason: 'a mistake' });
    await world.expectBalanced(item);
    expect(await available(item)).toBe(3);

    const payment = await world.paymentFor(orderId);
    expect(await shop.payments.pay(payment)).toMatchObject({ outcome: 'paid', order: { state: 'paid' } });
    expect(await world.pathOf(orderId)).toEqual(['accepted', 'confirmed', end, 'paid']);
    expect(await world.eventIds(item)).toEqual(
      ['confirmed', end, 'paid'].map((status) => `${orderId}.${status}`),
    );
    expect(await world.ledger(item)).toMatchObject({ held: 0, sold: 2 });
    expect(await world.payment(payment.paymentId)).toMatchObject({ state: 'applied', giveBackUnits: null });
    await world.expectBalanced(item);
  });

  it('takes one unit, however often it comes at the same time, though the gate had not heard of the end', async () => {
    const { item, orderIds } = await world.confirmed(1, { left: 1 });
    await world.runOut(orderIds);
    await shop.holds.expireDue(100);
    const payment = await world.paymentFor(orderIds[0]!);
    const answers = await Promise.all(
      [shop, other, shop, other, shop].map(({ payments }) => payments.pay(payment)),
    );
    expect(answers.map(({ outcome }) => outcome)).toEqual(Array(5).fill('paid'));
    expect(await available(item)).toBe(1);
    await world.expectBalanced(item);
  });

  it('has to go back, once, where the unit is gone', async () => {
    const one = await oneExpired();
    await world.buy(one.item, 1);
    const payment = await world.paymentFor(one.orderId);
    const answers = await Promise.all(
      [shop, other, shop, other, shop].map(({ payments }) => payments.pay(payment)),
    );
    for (const answer of answers) await expectRefundDue(answer, one, /units were gone/);
    // Not even when there are units again.
    await world.manager.query('UPDATE ledger SET initial = initial + 1 WHERE sale_id = $1', [
      one.item.saleId,
    ]);
    await world.sale.clients.gate.adjust({ ...one.item, epoch: 1, changeId: 'more', delta: 1 });
    await expectRefundDue(await shop.payments.pay(payment), one, /units were gone/);
    await world.expectBalanced(one.item);
  });

  it('has to go back where the shopper has the limit by another order', async () => {
    const shopperId = randomId('shopper');
    const one = await oneExpired(1, shopperId, 1);
    await world.buy(one.item, [{ shopperId }]);
    await expectRefundDue(await shop.payments.pay(await world.paymentFor(one.orderId)), one, /limit/);
    await world.expectBalanced(one.item);
  });

  it('wins once where two payments come late', async () => {
    const { item, orderId } = await oneExpired(3);
    const payments = [await world.paymentFor(orderId), await world.paymentFor(orderId)];
    const answers = await Promise.all(
      payments.map((payment, index) => (index === 0 ? shop : other).payments.pay(payment)),
    );
    expect(answers.map(({ outcome }) => outcome).sort()).toEqual(['paid', 'refundDue']);
    await shop.payments.completeUnfinished(10);
    const refunds = await world.refundsOf(orderId);
    expect(refunds.map(({ reason }) => reason)).toEqual([REFUND_REASONS.paidBefore]);
    expect(await available(item)).toBe(3);
    await world.expectBalanced(item);
  });

  it('counts in a paused and in a closed item, and waits in a suspended one for its rebuild', async () => {
    const [paused, closed] = [await oneExpired(), await oneExpired()];
    await world.sale.clients.gate.pause(paused.item);
    await world.sale.clients.gate.close(closed.item);
    for (const { item, orderId } of [paused, closed]) {
      expect(await shop.payments.pay(await world.paymentFor(orderId))).toMatchObject({ outcome: 'paid' });
      await world.expectBalanced(item);
    }
    const suspended = await oneExpired();
    await world.sale.clients.gate.suspend({ ...suspended.item, epoch: 1 });
    const payment = await world.paymentFor(suspended.orderId);
    expect(await shop.payments.pay(payment)).toMatchObject({ outcome: 'pending' });
    await rebuild(suspended.item, 2);
    expect(await shop.payments.completeUnfinished(10)).toBe(1);
    expect(await shop.payments.pay(payment)).toMatchObject({ outcome: 'paid' });
    expect(await available(suspended.item)).toBe(0);
  });
});

describe('after the sale has left Redis', () => {
  it('PostgreSQL alone decides', async () => {
    const shopperId = randomId('shopper');
    const paid = await oneExpired();
    const late = await oneExpired(1, shopperId, 1);
    await world.buy(late.item, [{ shopperId }]);
    const none = await oneExpired();
    await world.buy(none.item, 1);
    for (const { item } of [paid, late, none]) {
      await loseKeys(item);
      await retire(item);
    }
    expect(await shop.payments.pay(await world.paymentFor(paid.orderId))).toMatchObject({ outcome: 'paid' });
    expect(await world.ledger(paid.item)).toMatchObject({ sold: 1, held: 0 });
    expect(await world.order(paid.orderId)).toMatchObject({ gateEpoch: null });
    await expectRefundDue(await shop.payments.pay(await world.paymentFor(late.orderId)), late, /limit/);
    await expectRefundDue(await shop.payments.pay(await world.paymentFor(none.orderId)), none, /units/);
    const due = await world.manager.countBy(PaymentEntity, { giveBackUnits: Not(IsNull()) });
    expect(due).toBe(0);
  });

  it('waits where the gate lost the item, though the sale goes on', async () => {
    const { item, orderId } = await oneExpired(1);
    await loseKeys(item);
    const payment = await world.paymentFor(orderId);
    const waits = { outcome: 'pending', reason: 'the gate has lost the item' };
    expect(await shop.payments.pay(payment)).toEqual(waits);
    expect(await world.payment(payment.paymentId)).toMatchObject({ state: 'pending' });
    expect(await world.refundsOf(orderId)).toEqual([]);
    await rebuild(item, 2);
    expect(await shop.payments.completeUnfinished(10)).toBe(1);
    expect(await world.order(orderId)).toMatchObject({ state: 'paid' });
    expect(await available(item)).toBe(1);
  });
});

describe('a crash or an outage', () => {
  it('before the gate is asked: it is completed later, once', async () => {
    const { item, orderId } = await oneExpired();
    const payment = await world.paymentFor(orderId);
    await far.cut();
    const answers = await Promise.all([remote.payments.pay(payment), remote.payments.pay(payment)]);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['pending', 'pending']);
    await expect(remote.payments.completeUnfinished(10)).resolves.toBe(0);
    await Promise.all([shop.payments.completeUnfinished(1), other.payments.completeUnfinished(1)]);
    await far.mend();
    expect(await remote.payments.pay(payment)).toMatchObject({ outcome: 'paid' });
    expect(await shop.payments.completeUnfinished(10)).toBe(0);
    await world.expectBalanced(item);
  });

  it('before the gate has heard of the end: not decided until it has', async () => {
    const { item, orderIds } = await world.confirmed(1);
    await world.runOut(orderIds);
    await far.cut();
    await remote.expire();
    const payment = await world.paymentFor(orderIds[0]!);
    expect(await remote.payments.pay(payment)).toMatchObject({ outcome: 'pending' });
    // Not even by a process that could take the unit, for the gate would then give it back afterwards.
    const deaf = new TellGate(shop.dataSource, remote.clients.gate);
    const late = new LatePayments(shop.dataSource, shop.clients.gate, deaf);
    expect(await late.complete(payment.paymentId)).toMatchObject({ outcome: 'pending' });
    expect(await world.payment(payment.paymentId)).toMatchObject({ state: 'pending', epoch: null });
    expect(await available(item)).toBe(0);
    await far.mend();
    expect(await remote.payments.completeUnfinished(10)).toBe(1);
    await shop.tellGate.tellDue(10, 0);
    expect(await world.order(orderIds[0]!)).toMatchObject({ state: 'paid' });
    await world.expectBalanced(item);
  });

  it('after the gate gave the unit: it is not taken twice', async () => {
    const { item, orderId } = await oneExpired(1);
    const payment = await world.paymentFor(orderId);
    await far.cut();
    await remote.payments.pay(payment);
    const { shopperId, quantity } = await world.order(orderId);
    const changeId = `pay:${payment.paymentId}`;
    const taken = await shop.clients.gate.retake({ ...item, epoch: 1, changeId, shopperId, quantity });
    expect(taken).toEqual({ outcome: 'taken' });
    expect(await available(item)).toBe(1);
    expect(await shop.payments.completeUnfinished(10)).toBe(1);
    expect(await available(item)).toBe(1);
    await world.expectBalanced(item);
  });

  it('after the gate gave the unit, and then a rebuild: it is taken from the new gate', async () => {
    const { item, orderId } = await oneExpired(1);
    const payment = await world.paymentFor(orderId);
    // The rebuild holds the ledger row while the payment has its unit from the old gate.
    const runner = world.sale.database.dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query('SELECT 1 FROM ledger WHERE sale_id = $1 FOR UPDATE', [item.saleId]);
    const late = new LatePayments(shop.dataSource, shop.clients.gate, shop.tellGate);
    await world.manager.query(
      `INSERT INTO payments (payment_id, order_id, amount_minor, currency, state)
       VALUES ($1, $2, $3, 'EUR', 'pending')`,
      [payment.paymentId, orderId, payment.amountMinor],
    );
    const completing = late.complete(payment.paymentId);
    await waitUntil('the old gate gave the unit', async () => (await available(item)) === 1);
    await runner.query('UPDATE ledger SET epoch = 2 WHERE sale_id = $1', [item.saleId]);
    await loseKeys(item);
    await world.sale.clients.gate.open(opening(item, { epoch: 2, available: 2 }));
    await runner.commitTransaction();
    await runner.release();
    expect(await completing).toMatchObject({ outcome: 'paid' });
    expect(await available(item)).toBe(1);
    expect(await world.payment(payment.paymentId)).toMatchObject({ epoch: 2, state: 'applied' });
    expect(await world.ledger(item)).toMatchObject({ sold: 1, held: 0 });
  });

  it('after the order was paid: the gate hears of it later', async () => {
    const { item, orderId } = await oneExpired();
    await far.cut();
    // Reaches the gate to take the unit, and not to tell of the payment.
    const deaf = new TellGate(shop.dataSource, remote.clients.gate);
    const payment = await world.paymentFor(orderId);
    expect(await remote.payments.pay(payment)).toMatchObject({ outcome: 'pending' });
    const late = new LatePayments(shop.dataSource, shop.clients.gate, deaf);
    expect(await late.complete(payment.paymentId)).toMatchObject({ outcome: 'paid' });
    expect(await world.statusAtGate(orderId)).toBe('expired');
    expect(await shop.tellGate.tellDue(10, 0)).toEqual({ outcome: 'told', orders: 1 });
    await world.expectBalanced(item);
  });

  it('after the refusal: the gate gets its unit and the count back, once', async () => {
    const shopperId = randomId('shopper');
    const { item, orderId } = await oneExpired(1, shopperId);
    const payment = await world.paymentFor(orderId);
    await far.cut();
    await remote.payments.pay(payment);
    const changeId = `pay:${payment.paymentId}`;
    await shop.clients.gate.retake({ ...item, epoch: 1, changeId, shopperId, quantity: 1 });
    // As the transaction leaves it that a crash follows.
    await world.manager.query(
      `UPDATE payments SET state = 'refund-due', give_back_units = 1, epoch = 1, decided_at = now()
       WHERE payment_id = $1`,
      [payment.paymentId],
    );
    await world.manager.query(
      `INSERT INTO refunds (payment_id, order_id, amount_minor, currency, provider, reason)
       VALUES ($1, $2, 1999, 'EUR', 'demo', 'limit')`,
      [payment.paymentId, orderId],
    );
    expect(await remote.payments.completeUnfinished(10)).toBe(0);
    expect(await available(item)).toBe(1);
    const completed = await Promise.all([
      shop.payments.completeUnfinished(10),
      other.payments.completeUnfinished(10),
    ]);
    expect(Math.max(...completed)).toBe(1);
    expect(await available(item)).toBe(2);
    expect(await world.payment(payment.paymentId)).toMatchObject({ giveBackUnits: null });
    await world.expectBalanced(item);
  });
});

describe('where gate and ledger disagree', () => {
  it('a unit that only the gate had does not go back to it', async () => {
    const item = await world.sale.openItem({ stock: 1, gateStock: 2 });
    const [orderId] = await world.buy(item, [{}]);
    await world.runOut([orderId!]);
    await shop.expire();
    await world.buy(item, 1);
    expect(await available(item)).toBe(1);
    const answer = await shop.payments.pay(await world.paymentFor(orderId!));
    await expectRefundDue(answer, { item, orderId: orderId! }, /units/);
    expect(await available(item)).toBe(0);
    await world.expectBalanced(item);
  });

  it('a unit goes back that the ledger refuses because of the limit', async () => {
    const shopperId = randomId('shopper');
    const one = await oneExpired(1, shopperId, 2);
    await world.buy(one.item, [{ shopperId }]);
    await world.manager.query('UPDATE items SET per_shopper_limit = 1 WHERE sale_id = $1', [one.item.saleId]);
    await expectRefundDue(await shop.payments.pay(await world.paymentFor(one.orderId)), one, /limit/);
    expect(await available(one.item)).toBe(1);
    await world.expectBalanced(one.item);
  });

  it('a unit goes back where the money had gone back meanwhile', async () => {
    const one = await oneExpired();
    const payment = await world.paymentFor(one.orderId);
    await far.cut();
    await remote.payments.pay(payment);
    await shop.payments.noteRefund({ ...payment, reason: 'requested' });
    expect(await shop.payments.completeUnfinished(10)).toBe(1);
    expect(await world.refundsOf(one.orderId)).toMatchObject([{ state: 'done', reason: 'requested' }]);
    expect(await world.order(one.orderId)).toMatchObject({ state: 'expired' });
    await world.expectBalanced(one.item);
  });

  it('one payment that cannot go on holds up no other', async () => {
    const stuck = await oneExpired();
    await loseKeys(stuck.item);
    await shop.payments.pay(await world.paymentFor(stuck.orderId, { paymentId: '0-first' }));
    const others = [await oneExpired(), await oneExpired()];
    await far.cut();
    for (const { orderId } of others) await remote.payments.pay(await world.paymentFor(orderId));
    expect(await shop.payments.completeUnfinished(1)).toBe(2);
    for (const { item } of others) await world.expectBalanced(item);
    await retire(stuck.item);
    expect(await shop.payments.completeUnfinished(1)).toBe(1);
  });
});
