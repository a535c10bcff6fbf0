import { PaymentMaintenance } from '../src/payments/payment-maintenance.service';
import { AdminWorld, type Answer, OPERATOR, codeOf } from './admin.world';
import { OrderLife } from './order-life';
import { ShopBackend } from './shop-backend';
import { StripeApi } from './stripe-api';
import { STRIPE_SETTINGS, newPaymentId, refunded, sendStripe, stripeEvent, succeeded } from './stripe-events';

jest.setTimeout(90_000);

const INTENTS = '/v1/payment_intents';

describe('payments at Stripe', () => {
  let stripe: StripeApi;
  let world: AdminWorld;
  let life: OrderLife;
  let shop: ShopBackend;
  beforeAll(async () => {
    stripe = await StripeApi.start();
    world = await AdminWorld.start({ settings: { ...STRIPE_SETTINGS, FLUX_STRIPE_API_URL: stripe.url } });
    life = new OrderLife(world);
    shop = new ShopBackend(world);
  });
  afterAll(async () => {
    await world.stop();
    await stripe.stop();
  });
  beforeEach(() => {
    stripe.calls.length = 0;
    stripe.failures.length = 0;
    stripe.refundStatus = 'succeeded';
  });

  const start = (orderId: string, options = {}): Promise<Answer> =>
    world.shop('POST', `/orders/${orderId}/payments`, options);
  const confirmed = async (quantity = 1): Promise<string> =>
    life.confirmed(await world.openSale(5), { quantity });

  describe('started', () => {
    it("for a confirmed order, with the server's amount, once however often it is asked for", async () => {
      const orderId = await confirmed(2);
      const answer = await start(orderId);
      expect(answer.status).toBe(201);
      expect(answer.body).toEqual({
        paymentId: 'pi_1',
        provider: 'stripe',
        amountMinor: 3_998,
        currency: 'EUR',
        clientSecret: 'pi_1_secret_canary',
      });
      expect((await start(orderId)).body).toEqual(answer.body);
      const [call] = stripe.callsOf('POST', INTENTS);
      expect(Object.fromEntries(call?.form ?? [])).toMatchObject({
        amount: '3998',
        currency: 'eur',
        'metadata[order_id]': orderId,
      });
      expect(call?.headers).toMatchObject({
        'idempotency-key': orderId,
        authorization: `Bearer ${STRIPE_SETTINGS.FLUX_STRIPE_SECRET_KEY}`,
      });
    });

    it('never for an order that only the gate knows, nor for one that has ended or is paid', async () => {
      const item = await world.openSale(5);
      const expired = await life.confirmed(item);
      await life.expired(expired);
      const paid = await life.confirmed(item);
      await shop.pay(paid);
      const cancelled = await life.confirmed(item);
      await shop.cancel(cancelled);
      const accepted = await life.accepted(item);
      for (const orderId of [accepted, expired, paid, cancelled]) {
        const answer = await start(orderId);
        expect([answer.status, codeOf(answer)]).toEqual([409, 'not-confirmed']);
      }
      expect(stripe.calls).toEqual([]);
    });

    it('never for an order that is nowhere, or by anybody but the shop', async () => {
      const unknown = await start(`${(await world.openSale(1)).saleId}.p.0123456789012345678901`);
      expect([unknown.status, codeOf(unknown)]).toEqual([404, 'unknown-order']);
      expect((await start('no order')).status).toBe(400);
      const orderId = await confirmed();
      for (const key of [null, 'wrong']) expect((await start(orderId, { key })).status).toBe(401);
      expect((await start(orderId, { key: OPERATOR.key })).status).toBe(403);
      expect(stripe.calls).toEqual([]);
    });

    it('takes no amount from the caller', async () => {
      const orderId = await confirmed();
      const { body } = await start(orderId, { body: { amountMinor: 1, currency: 'USD' } });
      expect(body).toMatchObject({ amountMinor: 1_999, currency: 'EUR' });
    });

    it.each([
      [{ status: 500, body: { error: { type: 'api_error' } } }, 503, 'temporarily-unavailable'],
      [{ status: 429, body: { error: { type: 'invalid_request_error' } } }, 503, 'temporarily-unavailable'],
      [
        { status: 409, body: { error: { type: 'idempotency_error', code: 'idempotency_key_in_use' } } },
        503,
        'temporarily-unavailable',
      ],
      [
        { status: 400, body: { error: { type: 'invalid_request_error', code: 'amount_too_small' } } },
        400,
        'invalid-request',
      ],
      [
        { status: 401, body: { error: { type: 'invalid_request_error', message: 'canary' } } },
        500,
        'internal-error',
      ],
    ])('tells what Stripe says to %j', async (failure, status, code) => {
      const orderId = await confirmed();
      // The library asks once more by itself.
      stripe.failures.push(failure, failure);
      const answer = await start(orderId);
      expect([answer.status, codeOf(answer)]).toEqual([status, code]);
      expect(JSON.stringify(answer.body)).not.toContain('canary');
    });
  });

  describe('refunded', () => {
    const refund = () => world.app.get(PaymentMaintenance).refund();

    /** An order that ended, and money that came for it when no unit was left. */
    async function tooLate(): Promise<{ readonly orderId: string; readonly paymentId: string }> {
      const item = await world.openSale(1);
      const orderId = await life.confirmed(item);
      await life.expired(orderId);
      await life.confirmed(item);
      const paymentId = newPaymentId();
      await sendStripe(world, succeeded({ paymentId, orderId }));
      expect((await shop.detail(orderId)).refunds).toMatchObject([{ paymentId, state: 'due' }]);
      return { orderId, paymentId };
    }

    const refundsOf = async (orderId: string) => (await shop.detail(orderId)).refunds;

    it('through the API, once, in any number of processes', async () => {
      const { orderId, paymentId } = await tooLate();
      const other = await world.addProcess();
      await Promise.all([refund(), other.get(PaymentMaintenance).refund(), refund()]);
      await refund();
      expect(await refundsOf(orderId)).toMatchObject([{ paymentId, state: 'done' }]);
      const calls = stripe.callsOf('POST', '/v1/refunds');
      expect(calls).toHaveLength(1);
      expect(calls[0]?.form.get('payment_intent')).toBe(paymentId);
      expect(calls[0]?.form.has('amount')).toBe(false);
      expect(calls[0]?.headers['idempotency-key']).toBe(`refund:${paymentId}`);
    });

    it('stays due while Stripe does not answer, and holds up no other', async () => {
      const first = await tooLate();
      const second = await tooLate();
      const failure = { status: 500, body: { error: { type: 'api_error' } } };
      stripe.failures.push(failure, failure);
      await refund();
      expect(await refundsOf(first.orderId)).toMatchObject([{ state: 'due' }]);
      expect(await refundsOf(second.orderId)).toMatchObject([{ state: 'done' }]);
      await refund();
      expect(await refundsOf(first.orderId)).toMatchObject([{ state: 'done' }]);
    });

    it('is done where the shop was faster at Stripe, and where Stripe says so by an event', async () => {
      const first = await tooLate();
      stripe.failures.push(
        { status: 200, body: { object: 'list', data: [], has_more: false } },
        { status: 400, body: { error: { type: 'invalid_request_error', code: 'charge_already_refunded' } } },
      );
      await refund();
      expect(await refundsOf(first.orderId)).toMatchObject([{ state: 'done' }]);
      const second = await tooLate();
      await sendStripe(world, refunded(second));
      expect(await refundsOf(second.orderId)).toMatchObject([{ state: 'done' }]);
      expect(stripe.refunds.map(({ payment_intent }) => payment_intent)).not.toContain(second.paymentId);
    });

    it('is due again, for a person to see, where Stripe says that it failed after all', async () => {
      const { orderId, paymentId } = await tooLate();
      stripe.refundStatus = 'pending';
      await refund();
      expect(await refundsOf(orderId)).toMatchObject([{ state: 'done' }]);
      const made = stripe.refunds.find(({ payment_intent }) => payment_intent === paymentId);
      if (made === undefined) throw new Error('no refund was made');
      made.status = 'failed';
      const failed = stripeEvent('refund.failed', made);
      for (let count = 0; count < 2; count += 1) expect((await sendStripe(world, failed)).status).toBe(200);
      await refund();
      expect(await refundsOf(orderId)).toMatchObject([{ state: 'due' }]);
      const made2 = stripe.refunds.filter(({ payment_intent }) => payment_intent === paymentId);
      expect(made2).toHaveLength(1);
      await refund();
      expect(stripe.callsOf('GET', '/v1/refunds')).toHaveLength(2);
    });
  });
});
