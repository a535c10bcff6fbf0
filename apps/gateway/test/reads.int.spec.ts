import { randomUUID } from 'node:crypto';
import type { PublicSale, SaleAnswer } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { waitUntil } from '@flux/testing';
import { buy, callsOf, codeOf, randomId, useWorld } from './world';

describe('reading', () => {
  const world = useWorld();

  const read = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${world.gateway.base}${path}`, { headers });

  describe('GET /v1/orders/:orderId', () => {
    it("S30: shows an order to its shopper as it moves on, and says 404 to everybody else's", async () => {
      const item = await world.shop.open({ holdMs: 90_000 });
      const shopper = randomId('shopper');
      const accepted = await buy(world.gateway, {
        body: { productId: item.productId, quantity: 2 },
        shopper,
      });
      const address = String(accepted.headers.get('location'));
      const body = (await accepted.json()) as { orderId: string; acceptedAt: string };
      const answer = await read(address, { 'x-shopper-id': shopper });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const eventsUrl = expect.stringMatching(
        /^\/v1\/orders\/[\w.-]+\/events\?ticket=[\w-]{100,}$/,
      ) as string;
      expect(await answer.json()).toEqual({ ...body, updatedAt: body.acceptedAt, eventsUrl });

      const settledAtMs = Date.parse(body.acceptedAt) + 1_234;
      await world.shop.settle(item, {
        watermark: 1,
        watermarkOrderId: body.orderId,
        runs: [{ upTo: 1, atMs: settledAtMs }],
      });
      expect(await (await read(address, { 'x-shopper-id': shopper })).json()).toEqual({
        ...body,
        status: 'confirmed',
        updatedAt: new Date(settledAtMs).toISOString(),
        holdUntil: new Date(settledAtMs + 90_000).toISOString(),
        eventsUrl,
      });

      const changedAtMs = settledAtMs + 1;
      await world.shop.settle(item, {
        states: [{ orderId: body.orderId, status: 'paid', shopperId: shopper, quantity: 0, changedAtMs }],
      });
      expect(await (await read(address, { 'x-shopper-id': shopper })).json()).toEqual({
        ...body,
        status: 'paid',
        updatedAt: new Date(changedAtMs).toISOString(),
      });

      const stranger = await read(address, { 'x-shopper-id': randomId('shopper') });
      expect(stranger.status).toBe(404);
      expect(await codeOf(stranger)).toBe('unknown-order');
      const missing = await read(`/v1/orders/${item.saleId}.${item.productId}.${'x'.repeat(22)}`, {
        'x-shopper-id': shopper,
      });
      expect(await codeOf(missing)).toBe('unknown-order');
    });

    it('tells a sale that never was, one that is not open yet, one that is archived and one that is not ready', async () => {
      const id = (saleId: string, productId: string) => `/v1/orders/${saleId}.${productId}.${'x'.repeat(22)}`;
      const codeAt = async (path: string) => codeOf(await read(path, { 'x-shopper-id': 'ada' }));
      const scheduled = await world.shop.open({ state: 'scheduled' });
      const retired = await world.shop.open({ state: 'retired' });
      const broken = await world.shop.open();
      await world.redis.client.del(itemKeys(broken).item);
      expect(await codeAt(id(randomId('sale'), randomId('product')))).toBe('unknown-order');
      expect(await codeAt(id(scheduled.saleId, scheduled.productId))).toBe('unknown-order');
      expect(await codeAt(id(scheduled.saleId, retired.productId))).toBe('unknown-order');
      expect(await codeAt(id(retired.saleId, retired.productId))).toBe('sale-closed');
      expect(await codeAt(id(broken.saleId, broken.productId))).toBe('not-ready');
    });
  });

  describe('GET /v1/sales', () => {
    const saleAt = async (saleId: string) => (await (await read(`/v1/sales/${saleId}`)).json()) as SaleAnswer;

    it('shows a sale with prices and availability, and no stock', async () => {
      const item = await world.shop.open({ stock: 20, lowBelow: 10 });
      const answer = await read(`/v1/sales/${item.saleId}`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('public, max-age=1');
      expect(await answer.json()).toEqual({
        id: item.saleId,
        name: 'Friday drop',
        state: 'open',
        opensAt: expect.any(String) as string,
        closesAt: expect.any(String) as string,
        items: [
          {
            productId: item.productId,
            name: 'Sneaker',
            priceMinor: 100,
            currency: 'EUR',
            perShopperLimit: 5,
            availability: 'available',
          },
        ],
      });
    });

    it('follows the stock from available over low to soldOut within two seconds', async () => {
      const item = await world.shop.open({ stock: 3, lowBelow: 2, perShopperLimit: 5 });
      const availability = async () => (await saleAt(item.saleId)).items[0]?.availability;
      expect(await availability()).toBe('available');
      await buy(world.gateway, { body: { ...item, quantity: 1 } });
      await waitUntil('it is low', async () => (await availability()) === 'low', { timeoutMs: 2_000 });
      await buy(world.gateway, { body: { ...item, quantity: 2 } });
      await waitUntil('it is sold out', async () => (await availability()) === 'soldOut', {
        timeoutMs: 2_000,
      });
    });

    it('never calls a missing stock sold out', async () => {
      const item = await world.shop.open({ stock: 3 });
      await world.redis.client.del(itemKeys(item).stock);
      expect((await saleAt(item.saleId)).items[0]?.availability).toBe('available');
    });

    it('answers 304 to its own ETag, and another ETag when something changed', async () => {
      const item = await world.shop.open({ stock: 1 });
      const path = `/v1/sales/${item.saleId}`;
      const etag = String((await read(path)).headers.get('etag'));
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const answer = await read(path, { 'if-none-match': known });
        expect(answer.status).toBe(304);
        expect(answer.headers.get('etag')).toBe(etag);
        expect(await answer.text()).toBe('');
      }
      await buy(world.gateway, { body: item });
      await waitUntil(
        'it has changed',
        async () => (await read(path, { 'if-none-match': etag })).status === 200,
      );
    });

    it('reads Redis at most once a second for a crowd', async () => {
      const item = await world.shop.open();
      await world.redis.client.config('RESETSTAT');
      const startedAtMs = performance.now();
      await Promise.all(Array.from({ length: 100 }, () => read(`/v1/sales/${item.saleId}`)));
      const seconds = Math.ceil((performance.now() - startedAtMs) / 1_000);
      // What reading an item counts, and nothing else does.
      expect(await callsOf(world.redis, 'xlen')).toBeLessThanOrEqual(seconds);
    });

    it('lists sales that have not left, newest first for a product', async () => {
      const item = await world.shop.open();
      const retired = await world.shop.open({ state: 'retired' });
      const ids = await waitUntil('the list has aged', async () => {
        const { sales } = (await (await read('/v1/sales')).json()) as { sales: PublicSale[] };
        const found = sales.map(({ id }) => id);
        return found.includes(item.saleId) && found;
      });
      expect(ids).not.toContain(retired.saleId);
    });

    it('answers 404 to an unknown sale, HEAD without a body, and stays the same for everybody', async () => {
      for (const id of [randomId('sale'), 'a.b', '{x}', '%00']) {
        expect(await codeOf(await read(`/v1/sales/${id}`))).toBe('unknown-sale');
      }
      const item = await world.shop.open();
      const head = await fetch(`${world.gateway.base}/v1/sales/${item.saleId}`, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.headers.get('etag')).toMatch(/^"[\w-]{22}"$/);
      const known = { 'x-shopper-id': randomUUID(), authorization: 'Bearer x' };
      const [mine, theirs] = await Promise.all([
        read(`/v1/sales/${item.saleId}`, known),
        read(`/v1/sales/${item.saleId}`),
      ]);
      expect(await mine.text()).toBe(await theirs.text());
    });
  });
});
