import type { OpenAPIObject } from '@nestjs/swagger';
import { PaymentMaintenance } from '../src/payments/payment-maintenance.service';
import { AdminWorld, codeOf } from './admin.world';
import { OrderLife } from './order-life';
import { ShopBackend } from './shop-backend';

jest.setTimeout(90_000);

describe('demo payments', () => {
  let world: AdminWorld;
  let life: OrderLife;
  let shop: ShopBackend;
  beforeAll(async () => {
    world = await AdminWorld.start({ settings: { FLUX_PAYMENTS: 'demo' } });
    life = new OrderLife(world);
    shop = new ShopBackend(world);
  });
  afterAll(() => world.stop());

  const confirm = (url: string, body?: unknown) => world.call('POST', url, { key: null, body });

  it('are started by the shop and confirmed by whoever has the address, once', async () => {
    const item = await world.openSale(5);
    const orderId = await life.confirmed(item, { quantity: 2 });
    const started = await world.shop('POST', `/orders/${orderId}/payments`);
    expect(started.status).toBe(201);
    expect(started.body).toMatchObject({ provider: 'demo', amountMinor: 3_998, currency: 'EUR' });
    const { paymentId, confirmUrl } = started.body as { paymentId: string; confirmUrl: string };
    expect(paymentId).toMatch(/^demo_/);
    for (let count = 0; count < 2; count += 1) {
      expect(await confirm(confirmUrl, { amountMinor: 1 })).toMatchObject({
        status: 200,
        body: { paymentId, orderId, status: 'paid' },
      });
    }
    expect(await shop.units(item)).toEqual([3, 0, 2]);
    expect(await shop.detail(orderId)).toMatchObject({ payments: [{ paymentId, amountMinor: 3_998 }] });
  });

  it('that come too late are answered with refund-due, and go back', async () => {
    const item = await world.openSale(1);
    const orderId = await life.confirmed(item);
    const started = await world.shop('POST', `/orders/${orderId}/payments`);
    await life.expired(orderId);
    await life.confirmed(item);
    const answer = await confirm((started.body as { confirmUrl: string }).confirmUrl);
    expect([answer.status, codeOf(answer)]).toEqual([409, 'refund-due']);
    await world.app.get(PaymentMaintenance).refund();
    expect(await shop.detail(orderId)).toMatchObject({ status: 'expired', refunds: [{ state: 'done' }] });
  });

  it.each(['demo_a.b.0123456789012345678901', 'demo_', 'pi_1', 'demo_x%2Fy'])(
    'that nobody started pay nothing: %s',
    async (paymentId) => {
      expect([400, 404]).toContain((await confirm(`/payments/demo/${paymentId}/confirm`)).status);
    },
  );

  it('have no webhook of Stripe', async () => {
    const answer = await world.call('POST', '/webhooks/stripe', { key: null, body: {} });
    expect([answer.status, codeOf(answer)]).toEqual([404, 'not-found']);
    const { paths } = (await world.call('GET', '/docs/openapi.json')).body as OpenAPIObject;
    expect(Object.keys(paths)).not.toContain('/webhooks/stripe');
    const statuses = (path: string) => Object.keys(paths[path]?.post?.responses ?? {}).join(' ');
    expect(statuses('/shop/v1/orders/{id}/payments')).toBe('201 400 401 403 404 409 429 503');
    expect(statuses('/payments/demo/{paymentId}/confirm')).toBe('200 400 404 409 500 503');
  });
});

describe('without a payment provider', () => {
  it('no payment can be started here, and rounds of maintenance have nothing to refund', async () => {
    const world = await AdminWorld.start();
    try {
      const answer = await world.shop('POST', '/orders/a.b.0123456789012345678901/payments');
      expect([answer.status, codeOf(answer)]).toEqual([404, 'not-found']);
      await world.app.get(PaymentMaintenance).refund();
      await world.app.get(PaymentMaintenance).complete();
    } finally {
      await world.stop();
    }
  });
});
