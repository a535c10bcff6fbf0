import type { ItemRef, OrderAnswer, OrderStatus, Problem } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { startRedis, TcpProxy, waitUntil } from '@flux/testing';
import { buyOrder, codeOf, randomId, Shop, startGateway, useWorld, type PlacedOrder } from './world';

describe('POST /v1/orders/:orderId/cancel', () => {
  const world = useWorld();

  const cancel = (
    { orderId, shopper }: Pick<PlacedOrder, 'orderId' | 'shopper'>,
    init: RequestInit = {},
    base = world.gateway.base,
  ): Promise<Response> =>
    fetch(`${base}/v1/orders/${orderId}/cancel`, {
      method: 'POST',
      ...init,
      headers: { 'x-shopper-id': shopper, ...(init.headers as Record<string, string> | undefined) },
    });

  async function bought(): Promise<PlacedOrder & { readonly item: ItemRef }> {
    const item = await world.shop.open();
    return { item, ...(await buyOrder(world.gateway, item)) };
  }

  const ends = (item: ItemRef, { orderId, shopper }: PlacedOrder, status: OrderStatus): Promise<void> =>
    world.shop.settle(item, {
      states: [{ orderId, status, shopperId: shopper, quantity: 1, changedAtMs: Date.now() }],
    });

  it('answers 202 with the order, writes one intent, and answers the same to a repeat', async () => {
    const { item, ...order } = await bought();
    const before = await world.shop.gate.readItem(item);
    const first = await cancel(order);
    expect(first.status).toBe(202);
    expect(first.headers.get('cache-control')).toBe('no-store');
    const text = await first.text();
    expect(JSON.parse(text)).toEqual({ ...order.answer, updatedAt: order.answer.acceptedAt });
    for (const body of [undefined, '{}']) {
      const headers: Record<string, string> =
        body === undefined ? {} : { 'content-type': 'application/json' };
      const repeat = await cancel(order, { body, headers });
      expect(repeat.status).toBe(202);
      expect(await repeat.text()).toBe(text);
    }
    const after = await world.shop.gate.readItem(item);
    expect([after?.sequence, after?.outboxLength]).toEqual([
      (before?.sequence ?? 0) + 1,
      (before?.outboxLength ?? 0) + 1,
    ]);
  });

  it('answers 202 to a confirmed order, also in a paused and in a closed sale, and once it is cancelled', async () => {
    const { item, ...order } = await bought();
    await world.shop.settle(item, { watermark: 1, watermarkOrderId: order.orderId });
    for (const verb of ['pause', 'close'] as const) {
      await world.shop.gate[verb](item);
      const answer = await cancel(order);
      expect(answer.status).toBe(202);
      expect(await answer.json()).toMatchObject({
        status: 'confirmed',
        holdUntil: expect.stringMatching(/Z$/) as string,
      });
    }
    await ends(item, order, 'cancelled');
    const answer = await cancel(order);
    expect(answer.status).toBe(202);
    const body = (await answer.json()) as OrderAnswer;
    expect(body.status).toBe('cancelled');
    expect(Object.keys(body)).not.toContain('holdUntil');
    expect(Object.keys(body)).not.toContain('eventsUrl');
  });

  it.each<OrderStatus>(['paid', 'rejected', 'expired'])(
    'answers 409 not-cancellable to a %s order, and says so in the detail',
    async (status) => {
      const { item, ...order } = await bought();
      await ends(item, order, status);
      const answer = await cancel(order);
      expect(answer.status).toBe(409);
      const problem = (await answer.json()) as Problem;
      expect([problem.code, problem.detail]).toEqual(['not-cancellable', `The order is ${status}.`]);
    },
  );

  it("answers 404 to an order that is not there and to another shopper's, and writes nothing", async () => {
    const { item, ...order } = await bought();
    for (const other of [
      { ...order, shopper: randomId('shopper') },
      { ...order, orderId: `${item.saleId}.${item.productId}.${'x'.repeat(22)}` },
      { ...order, orderId: 'no-order-id' },
    ]) {
      const answer = await cancel(other);
      expect(answer.status).toBe(404);
      expect(await codeOf(answer)).toBe('unknown-order');
    }
    expect((await world.shop.gate.readItem(item))?.sequence).toBe(1);
  });

  it('answers 401 to nobody', async () => {
    const { orderId } = await bought();
    const answer = await fetch(`${world.gateway.base}/v1/orders/${orderId}/cancel`, { method: 'POST' });
    expect(await codeOf(answer)).toBe('unauthenticated');
  });

  it.each(['{"reason":"x"}', '{"status":"paid"}', '[]', 'null', '"x"', '7', '{'])(
    'answers 400 to the body %s and does nothing',
    async (body) => {
      const { item, ...order } = await bought();
      const answer = await cancel(order, { body, headers: { 'content-type': 'application/json' } });
      expect(answer.status).toBe(400);
      expect(await codeOf(answer)).toBe('invalid-request');
      expect((await world.shop.gate.readItem(item))?.sequence).toBe(1);
    },
  );

  it('answers 409 sale-closed once the sale is retired, and 503 not-ready while its item is missing', async () => {
    const { item, ...order } = await bought();
    await world.redis.client.del(itemKeys(item).item);
    const missing = await cancel(order);
    expect(missing.status).toBe(503);
    expect(missing.headers.get('retry-after')).toMatch(/^[1-3]$/);
    expect(await codeOf(missing)).toBe('not-ready');
    const retired = await world.shop.open({ state: 'retired' });
    const orderId = `${retired.saleId}.${retired.productId}.${'x'.repeat(22)}`;
    expect(await codeOf(await cancel({ orderId, shopper: 'ada' }))).toBe('sale-closed');
  });

  it('answers 503: nothing done where Redis is gone, unknown where it does not answer', async () => {
    const redis = await startRedis();
    const shop = new Shop(redis.url);
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: redis.port });
    const gateway = await startGateway(`redis://127.0.0.1:${proxy.port}`, {
      FLUX_REDIS_COMMAND_TIMEOUT_MS: '300',
    });
    try {
      const item = await shop.open();
      // From now on Redis has the script.
      await cancel(await buyOrder(gateway, item), {}, gateway.base);
      const order = await buyOrder(gateway, item);
      proxy.set('hold-answers');
      expect(await codeOf(await cancel(order, {}, gateway.base))).toBe('outcome-unknown');
      expect((await shop.gate.readItem(item))?.sequence).toBe(4);
      proxy.set('cut');
      const answer = await waitUntil('the gateway has noticed', async () => {
        const tried = await cancel(order, {}, gateway.base);
        return (await codeOf(tried)) === 'temporarily-unavailable' && tried;
      });
      expect(answer.headers.get('retry-after')).toMatch(/^[1-3]$/);
      proxy.set('pass');
      await waitUntil('the gateway has recovered', async () => {
        return (await cancel(order, {}, gateway.base)).status === 202;
      });
      expect((await shop.gate.readItem(item))?.sequence).toBe(4);
    } finally {
      await gateway.close();
      await proxy.stop();
      shop.close();
      await redis.remove();
    }
  });
});
