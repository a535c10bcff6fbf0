import { randomUUID } from 'node:crypto';
import { orderIdOf } from '@flux/contracts';
import { startRedis, waitUntil } from '@flux/testing';
import { buy, callsOf, codeOf, pipeline, randomId, startGateway, useWorld } from './world';

describe('POST /v1/orders', () => {
  const world = useWorld();

  it('accepts a purchase and says where it is', async () => {
    const item = await world.shop.open({ stock: 3 });
    const shopper = randomId('shopper');
    const key = randomUUID();
    const answer = await buy(world.gateway, {
      body: { productId: item.productId, quantity: 2 },
      shopper,
      key,
    });
    expect(answer.status).toBe(202);
    const orderId = orderIdOf({ ...item, shopperId: shopper, idempotencyKey: key });
    expect(answer.headers.get('location')).toBe(`/v1/orders/${orderId}`);
    expect(answer.headers.get('idempotency-replayed')).toBeNull();
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toEqual({
      orderId,
      status: 'accepted',
      productId: item.productId,
      saleId: item.saleId,
      quantity: 2,
      acceptedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    });
    expect((await world.shop.gate.readItem(item))?.available).toBe(1);
  });

  it('takes one unit where no quantity is given, and a sale that is named', async () => {
    const item = await world.shop.open({ stock: 3 });
    const answer = await buy(world.gateway, { body: item });
    expect(await answer.json()).toMatchObject({ saleId: item.saleId, quantity: 1 });
  });

  it.each([
    ['x-idempotency-key', (key: string) => ({ 'x-idempotency-key': key })],
    ['quotes', (key: string) => ({ 'idempotency-key': `"${key}"` })],
    ['both headers', (key: string) => ({ 'idempotency-key': key, 'x-idempotency-key': `"${key}"` })],
  ])('replays byte for byte under %s', async (_name, headersOf) => {
    const { productId } = await world.shop.open();
    const shopper = randomId('shopper');
    const key = randomUUID();
    const first = await buy(world.gateway, { body: { productId }, shopper, key });
    const replay = await fetch(`${world.gateway.base}/v1/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-shopper-id': shopper, ...headersOf(key) },
      body: JSON.stringify({ quantity: 1, productId }),
    });
    expect(replay.status).toBe(202);
    expect(replay.headers.get('idempotency-replayed')).toBe('true');
    expect(replay.headers.get('location')).toBe(first.headers.get('location'));
    expect(await replay.text()).toBe(await first.text());
  });

  it("S2, S4: answers 422 to another quantity under the key, and buys anew under another shopper's same key", async () => {
    const { productId } = await world.shop.open();
    const shopper = randomId('shopper');
    const key = randomUUID();
    const first = await buy(world.gateway, { body: { productId }, shopper, key });
    const reused = await buy(world.gateway, { body: { productId, quantity: 2 }, shopper, key });
    expect(reused.status).toBe(422);
    expect(await codeOf(reused)).toBe('idempotency-key-reused');
    const other = await buy(world.gateway, { body: { productId }, key });
    expect(other.status).toBe(202);
    expect(other.headers.get('location')).not.toBe(first.headers.get('location'));
  });

  it('S8: answers 409 when the stock or the limit is used up', async () => {
    const { productId } = await world.shop.open({ stock: 3, perShopperLimit: 2 });
    const shopper = randomId('shopper');
    expect((await buy(world.gateway, { body: { productId, quantity: 2 }, shopper })).status).toBe(202);
    const limited = await buy(world.gateway, { body: { productId }, shopper });
    expect(limited.status).toBe(409);
    expect(await codeOf(limited)).toBe('shopper-limit');
    const soldOut = await buy(world.gateway, { body: { productId, quantity: 2 } });
    expect(soldOut.status).toBe(409);
    expect(soldOut.headers.get('cache-control')).toBe('private, max-age=1');
    expect(soldOut.headers.get('retry-after')).toMatch(/^[1-3]$/);
    expect(await codeOf(soldOut)).toBe('sold-out');
  });

  it('answers 404 to an unknown product, and to a sale that is not of the product', async () => {
    const item = await world.shop.open();
    const other = await world.shop.open();
    for (const body of [
      { productId: randomId('product') },
      { productId: item.productId, saleId: other.saleId },
      { productId: item.productId, saleId: randomId('sale') },
    ]) {
      const answer = await buy(world.gateway, { body });
      expect(answer.status).toBe(404);
      expect(await codeOf(answer)).toBe('unknown-product');
    }
  });

  it('S8: answers 409 sale-not-open to an item that opens later, and says when', async () => {
    const { productId } = await world.shop.open({ opensInMs: 20_000 });
    const answer = await buy(world.gateway, { body: { productId } });
    expect(answer.status).toBe(409);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(19);
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(24);
    expect(await codeOf(answer)).toBe('sale-not-open');
  });

  it('answers 409 sale-not-open to a scheduled sale, named or not, which the gate does not know yet', async () => {
    const item = await world.shop.open({ state: 'scheduled', opensInMs: 20_000 });
    for (const body of [{ productId: item.productId }, item]) {
      const answer = await buy(world.gateway, { body });
      expect(answer.status).toBe(409);
      expect(await codeOf(answer)).toBe('sale-not-open');
    }
  });

  it('answers 409 sale-closed to a retired sale, named or not', async () => {
    const item = await world.shop.open({ state: 'retired' });
    for (const body of [{ productId: item.productId }, item]) {
      const answer = await buy(world.gateway, { body });
      expect(answer.status).toBe(409);
      expect(await codeOf(answer)).toBe('sale-closed');
    }
  });

  it('answers 409 in a paused and in a closed sale, and still replays what was accepted', async () => {
    const item = await world.shop.open();
    const shopper = randomId('shopper');
    const key = randomUUID();
    const first = await (await buy(world.gateway, { body: item, shopper, key })).text();
    for (const [verb, code] of [
      ['pause', 'sale-not-open'],
      ['close', 'sale-closed'],
    ] as const) {
      await world.shop.gate[verb](item);
      const refused = await buy(world.gateway, { body: { productId: item.productId } });
      expect(refused.status).toBe(409);
      expect(await codeOf(refused)).toBe(code);
      const replay = await buy(world.gateway, { body: item, shopper, key });
      expect(replay.status).toBe(202);
      expect(await replay.text()).toBe(first);
    }
  });

  it('S8: answers 409 sale-closed after the end, although nobody closed the sale', async () => {
    const { productId } = await world.shop.open({ closesInMs: -1 });
    expect(await codeOf(await buy(world.gateway, { body: { productId } }))).toBe('sale-closed');
  });

  it('answers 503 not-ready where the item or its stock is missing, never "sold out"', async () => {
    const item = await world.shop.open();
    await world.redis.client.del(`{product:${item.productId}}:${item.saleId}:stock`);
    for (const body of [{ productId: item.productId }, item]) {
      const answer = await buy(world.gateway, { body });
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^[1-3]$/);
      expect(await codeOf(answer)).toBe('not-ready');
    }
    await world.redis.client.del(`{product:${item.productId}}:${item.saleId}:item`);
    expect(await codeOf(await buy(world.gateway, { body: item }))).toBe('not-ready');
    await world.redis.client.del(`{product:${item.productId}}:current`);
    const fresh = await startGateway(world.redis.url);
    expect(await codeOf(await buy(fresh, { body: { productId: item.productId } }))).toBe('not-ready');
    await fresh.close();
  });

  it("follows the product to its next sale at once, with the next sale's order id", async () => {
    const first = await world.shop.open();
    expect((await buy(world.gateway, { body: { productId: first.productId } })).status).toBe(202);
    await world.shop.gate.close(first);
    const second = await world.shop.open({ productId: first.productId });
    const answer = await buy(world.gateway, { body: { productId: first.productId } });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ saleId: second.saleId });
    expect(await codeOf(await buy(world.gateway, { body: first }))).toBe('sale-closed');
  });

  it('counts decisions by outcome', async () => {
    const { text } = await world.gateway.metrics.render();
    for (const outcome of ['accepted', 'replayed', 'soldOut', 'unknownProduct', 'notReady']) {
      expect(text).toMatch(
        new RegExp(`^flux_purchase_decisions_total\\{.*outcome="${outcome}".*\\} [1-9]`, 'm'),
      );
    }
    expect(text).toMatch(/^flux_purchase_decision_seconds_count/m);
  });

  it('answers 503 not-ready while the catalogue is missing, and is not ready', async () => {
    const empty = await startRedis();
    const lonely = await startGateway(empty.url);
    try {
      const answer = await waitUntil('the gateway is connected', async () => {
        const tried = await buy(lonely, { body: { productId: 'p' } });
        return (await codeOf(tried)) === 'not-ready' && tried;
      });
      expect(answer.status).toBe(503);
      const ready = await fetch(`${lonely.base}/health/ready`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toEqual({ ready: false, checks: { redis: 'ok', catalogue: 'failed' } });
    } finally {
      await lonely.close();
      await empty.remove();
    }
  });
});

// In a world of its own: refusals of other tests are counted by a script call too.
describe('purchases of one turn of the event loop', () => {
  const world = useWorld();

  it('makes exactly one script call for the purchases of an item in one turn, and sends nothing else', async () => {
    const { productId } = await world.shop.open({ stock: 1_000 });
    await buy(world.gateway, { body: { productId } });
    await world.redis.client.config('RESETSTAT');
    const purchases = Array.from({ length: 20 }, (_, index) => ({ productId, shopper: `shopper-${index}` }));
    const answers = await pipeline(world.gateway, purchases);
    expect(answers).toEqual(Array.from({ length: 20 }, () => 'HTTP/1.1 202'));
    // The script makes one call of each kind, whatever the number of purchases. A tick of the waiting room makes none.
    for (const command of ['xadd', 'decrby', 'get']) {
      expect(`${command} ${await callsOf(world.redis, command)}`).toBe(
        `${command} ${command === 'get' ? 2 : 1}`,
      );
    }
    const { text } = await world.gateway.metrics.render();
    expect(text).toMatch(/^flux_reserve_batch_requests_bucket\{le="32",.*\} [1-9]/m);
  });
});
