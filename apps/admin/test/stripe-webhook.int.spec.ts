import { randomUUID } from 'node:crypto';
import type { ItemRef } from '@flux/contracts';
import { waitUntil } from '@flux/testing';
import { PaymentMaintenance } from '../src/payments/payment-maintenance.service';
import { AdminWorld, codeOf } from './admin.world';
import { OrderLife } from './order-life';
import { ShopBackend } from './shop-backend';
import {
  NEXT_SECRET,
  STRIPE_SETTINGS,
  WEBHOOK_SECRET,
  mentionsPayer,
  newPaymentId,
  refunded,
  sendStripe,
  stripeEvent,
  succeeded,
} from './stripe-events';

jest.setTimeout(90_000);

const OTHER_SECRET = 'whsec_of_another_merchant_0123456789';

describe("Stripe's webhooks", () => {
  let world: AdminWorld;
  let life: OrderLife;
  let shop: ShopBackend;
  beforeAll(async () => {
    world = await AdminWorld.start({ settings: STRIPE_SETTINGS });
    life = new OrderLife(world);
    shop = new ShopBackend(world);
  });
  afterAll(() => world.stop());

  async function confirmedOrder(stock = 5): Promise<{ readonly item: ItemRef; readonly orderId: string }> {
    const item = await world.openSale(stock);
    return { item, orderId: await life.confirmed(item) };
  }

  const storedEvents = async (): Promise<readonly { state: string; content: unknown }[]> =>
    world.dataSource.query('SELECT * FROM provider_events ORDER BY received_at');
  const eventState = async (eventId: string): Promise<string | undefined> => {
    const rows: { state: string }[] = await world.dataSource.query(
      'SELECT state FROM provider_events WHERE event_id = $1',
      [eventId],
    );
    return rows[0]?.state;
  };
  const payments = async (orderId: string) => (await shop.detail(orderId)).payments;
  const refunds = async (orderId: string) => (await shop.detail(orderId)).refunds;

  it('pay the order once, five times at once and five times after', async () => {
    const { item, orderId } = await confirmedOrder();
    const event = succeeded({ paymentId: newPaymentId(), orderId });
    const atOnce = await Promise.all(Array.from({ length: 5 }, () => sendStripe(world, event)));
    expect(atOnce.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    for (let count = 0; count < 5; count += 1) expect((await sendStripe(world, event)).status).toBe(200);
    expect(await shop.units(item)).toEqual([4, 0, 1]);
    expect(await shop.detail(orderId)).toMatchObject({ status: 'paid', refunds: [] });
    expect(await payments(orderId)).toHaveLength(1);
    expect(await eventState(event.id)).toBe('done');
  });

  it('keep ids, amount and currency of an event, and nothing of the payer', async () => {
    const { orderId } = await confirmedOrder();
    const paymentId = newPaymentId();
    const event = succeeded({ paymentId, orderId });
    await sendStripe(world, event);
    const rows: unknown[] = await world.dataSource.query(
      'SELECT * FROM provider_events WHERE event_id = $1',
      [event.id],
    );
    expect(rows).toMatchObject([
      {
        provider: 'stripe',
        type: 'payment_intent.succeeded',
        content: { kind: 'paid', paymentId, orderId, amountMinor: 1_999, currency: 'EUR' },
      },
    ]);
    expect(mentionsPayer(JSON.stringify(event))).toBe(true);
    expect(mentionsPayer(JSON.stringify(rows))).toBe(false);
  });

  it('may tell of the refund before the payment: then nothing is sold, and nothing due', async () => {
    const { item, orderId } = await confirmedOrder();
    const money = { paymentId: newPaymentId(), orderId };
    expect((await sendStripe(world, refunded(money))).status).toBe(200);
    expect((await sendStripe(world, succeeded(money))).status).toBe(200);
    expect(await shop.units(item)).toEqual([4, 1, 0]);
    expect(await shop.detail(orderId)).toMatchObject({ status: 'confirmed', payments: [] });
    expect(await refunds(orderId)).toMatchObject([{ paymentId: money.paymentId, state: 'done' }]);
  });

  it('leave an order paid whose money the shop gives back at Stripe', async () => {
    const { orderId } = await confirmedOrder();
    const money = { paymentId: newPaymentId(), orderId };
    await sendStripe(world, succeeded(money));
    await sendStripe(world, refunded(money, { amount_refunded: 500, refunded: false }));
    expect(await refunds(orderId)).toEqual([]);
    await sendStripe(world, refunded(money));
    expect(await shop.detail(orderId)).toMatchObject({ status: 'paid', refunds: [{ state: 'done' }] });
  });

  it('ten minutes late get a unit anew while there is one, else exactly one refund', async () => {
    const { item, orderId } = await confirmedOrder(1);
    await life.expired(orderId);
    const created = Math.floor(Date.now() / 1_000) - 600;
    const late = succeeded({ paymentId: newPaymentId(), orderId }, { created });
    expect((await sendStripe(world, late)).status).toBe(200);
    expect(await shop.detail(orderId)).toMatchObject({ status: 'paid', refunds: [] });

    const second = await world.openSale(1);
    const ended = await life.confirmed(second);
    await life.expired(ended);
    await life.confirmed(second);
    const tooLate = succeeded({ paymentId: newPaymentId(), orderId: ended }, { created });
    for (let count = 0; count < 3; count += 1) expect((await sendStripe(world, tooLate)).status).toBe(200);
    expect(await shop.detail(ended)).toMatchObject({
      status: 'expired',
      refunds: [{ amountMinor: 1_999, state: 'due' }],
    });
    expect(await shop.units(item)).toEqual([0, 0, 1]);
    expect(await shop.units(second)).toEqual([0, 1, 0]);
  });

  it.each([
    ['the present secret', { secret: WEBHOOK_SECRET }],
    ['the next secret, during a rotation', { secret: NEXT_SECRET }],
    ['almost five minutes old', { skewSeconds: -290 }],
    ['almost five minutes ahead', { skewSeconds: 290 }],
  ])('are taken with a signature that is fine: %s', async (_name, options) => {
    const { orderId } = await confirmedOrder();
    const event = succeeded({ paymentId: newPaymentId(), orderId });
    expect((await sendStripe(world, event, options)).status).toBe(200);
    expect(await shop.detail(orderId)).toMatchObject({ status: 'paid' });
  });

  it.each([
    ['forged', { secret: 'whsec_forged_by_somebody_0123456789' }],
    ["another merchant's", { secret: OTHER_SECRET }],
    ['too old', { skewSeconds: -320 }],
    ['from the future', { skewSeconds: 320 }],
    ['missing', { header: null }],
    ['empty', { header: '' }],
    ['no signature', { header: `t=${Math.floor(Date.now() / 1_000)}` }],
    ['no time', { header: `v1=${'0'.repeat(64)}` }],
    ['of a body that was cut', { tamper: (body: string) => body.slice(0, -10) }],
    ['of a body that was changed', { tamper: (body: string) => body.replace('1999', '9999') }],
    ['of a body that was rewritten', { tamper: (body: string) => JSON.stringify(JSON.parse(body)) }],
    ['of a body that is gone', { tamper: () => '' }],
  ])('are refused with 401 and leave no trace: a signature that is %s', async (_name, options) => {
    const { item, orderId } = await confirmedOrder();
    const before = await storedEvents();
    const answer = await sendStripe(world, succeeded({ paymentId: newPaymentId(), orderId }), options);
    expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthenticated']);
    expect(await storedEvents()).toEqual(before);
    expect(await shop.units(item)).toEqual([4, 1, 0]);
  });

  it('are refused where a second time is smuggled in before the signed one', async () => {
    const { orderId } = await confirmedOrder();
    const event = succeeded({ paymentId: newPaymentId(), orderId });
    const Stripe = (await import('stripe')).default;
    const payload = JSON.stringify(event, undefined, 2);
    const future = Math.floor(Date.now() / 1_000) + 3_600;
    const signed = Stripe.webhooks.generateTestHeaderString({
      payload,
      secret: WEBHOOK_SECRET,
      timestamp: future,
    });
    const header = `t=${future - 3_600},${signed}`;
    expect((await sendStripe(world, event, { header })).status).toBe(401);
    expect(await eventState(event.id)).toBeUndefined();
  });

  it("are refused for a connected account that is not the shop's", async () => {
    const { orderId } = await confirmedOrder();
    const event = succeeded({ paymentId: newPaymentId(), orderId }, { account: 'acct_other' });
    const answer = await sendStripe(world, event);
    expect([answer.status, codeOf(answer)]).toEqual([401, 'unauthenticated']);
    expect(await eventState(event.id)).toBeUndefined();
  });

  it.each([
    ['of an unknown type', () => stripeEvent('customer.created', { id: 'cus_1' })],
    ['of a payment of something else', () => succeeded({ paymentId: newPaymentId(), orderId: 'invoice 7' })],
    [
      'of a charge without a payment intent',
      () => refunded({ paymentId: newPaymentId(), orderId: 'a.b.c' }, { payment_intent: null }),
    ],
  ])('are taken and ignored: %s', async (_name, event) => {
    const before = await storedEvents();
    expect(await sendStripe(world, event())).toMatchObject({ status: 200, body: { received: true } });
    expect(await storedEvents()).toEqual(before);
  });

  it('are answered with 400 where Stripe sends what cannot be read', async () => {
    const { orderId } = await confirmedOrder();
    const broken = succeeded({ paymentId: newPaymentId(), orderId, currency: 'euro' });
    expect((await sendStripe(world, broken)).status).toBe(400);
    expect((await sendStripe(world, { id: 'evt_1' })).status).toBe(400);
  });

  it('of an amount that is not the order’s change no order and are refunded', async () => {
    const { item, orderId } = await confirmedOrder();
    const event = succeeded({ paymentId: newPaymentId(), orderId, amount: 1 });
    for (let count = 0; count < 2; count += 1) expect((await sendStripe(world, event)).status).toBe(200);
    expect(await shop.units(item)).toEqual([4, 1, 0]);
    expect(await refunds(orderId)).toMatchObject([{ amountMinor: 1, currency: 'EUR', state: 'due' }]);
  });

  it('of an order that is nowhere are done with, and give nothing back: another shop may have it', async () => {
    const orderId = `${randomUUID().slice(0, 8)}.p.0123456789012345678901`;
    const event = succeeded({ paymentId: newPaymentId(), orderId });
    expect((await sendStripe(world, event)).status).toBe(200);
    expect(await eventState(event.id)).toBe('done');
    expect(await world.dataSource.query('SELECT * FROM refunds WHERE order_id = $1', [orderId])).toEqual([]);
  });

  it('are stored before they have an effect: one that fails is answered with 503 and finished later', async () => {
    const { item, orderId } = await confirmedOrder();
    const event = succeeded({ paymentId: newPaymentId(), orderId });
    const runner = world.dataSource.createQueryRunner();
    await runner.startTransaction();
    try {
      await runner.query('SELECT FROM ledger WHERE sale_id = $1 FOR UPDATE', [item.saleId]);
      const answer = await sendStripe(world, event);
      expect([answer.status, codeOf(answer)]).toEqual([503, 'temporarily-unavailable']);
      expect(await eventState(event.id)).toBe('received');
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
    }
    expect(await shop.units(item)).toEqual([4, 1, 0]);
    await world.app.get(PaymentMaintenance).complete();
    expect(await shop.units(item)).toEqual([4, 0, 1]);
    expect(await eventState(event.id)).toBe('done');
    await waitUntil('the gate has heard', async () => (await life.statusAtGate(orderId)) === 'paid');
  });

  it('for a parked order wait until an operator has seen to it', async () => {
    const item = await world.openSale(2);
    const { orderIds } = await life.parked(item, [{}]);
    const event = succeeded({ paymentId: newPaymentId(), orderId: orderIds[0] ?? '' });
    expect((await sendStripe(world, event)).status).toBe(503);
    await world.app.get(PaymentMaintenance).complete();
    expect(await eventState(event.id)).toBe('received');
    await world.dataSource.query("UPDATE provider_events SET state = 'done' WHERE event_id = $1", [event.id]);
  });

  it('may be larger than other bodies of the shop, up to 256 kB', async () => {
    const event = (size: number) => stripeEvent('customer.created', { text: 'x'.repeat(size) });
    expect((await sendStripe(world, event(250_000))).status).toBe(200);
    const answer = await sendStripe(world, event(262_144));
    expect([answer.status, codeOf(answer)]).toEqual([413, 'payload-too-large']);
  });

  it('are counted by what they came to', async () => {
    const metrics = await (await fetch(`${await world.app.getUrl()}/metrics`)).text();
    const lines = metrics.split('\n').filter((line) => line.startsWith('flux_provider_events_'));
    expect(lines).toContain('flux_provider_events_total{outcome="amountMismatch",process="admin"} 1');
    expect(lines).toContain('flux_provider_events_total{outcome="refundDue",process="admin"} 1');
    expect(lines).toContain('flux_provider_events_waiting{process="admin"} 0');
  });
});

describe("Stripe's webhooks for a connected account", () => {
  let world: AdminWorld;
  beforeAll(async () => {
    world = await AdminWorld.start({ settings: { ...STRIPE_SETTINGS, FLUX_STRIPE_ACCOUNT: 'acct_ours' } });
  });
  afterAll(() => world.stop());

  it.each([
    [{ account: 'acct_ours' }, 200],
    [{ account: 'acct_other' }, 401],
    [{}, 401],
  ])('%j: %i', async (changes, status) => {
    expect((await sendStripe(world, stripeEvent('customer.created', {}, changes))).status).toBe(status);
  });
});
