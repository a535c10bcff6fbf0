import { randomUUID } from 'node:crypto';
import { startRedis, TcpProxy, waitUntil, type RedisServer } from '@flux/testing';
import { Shop, buy, closeGateways, codeOf, randomId, startGateway, type TestGateway } from './world';

const COMMAND_TIMEOUT_MS = 300;

/** What a busy test machine may add to a timer. */
const SLACK_MS = 1_500;

describe('a gateway without Redis', () => {
  let redis: RedisServer;
  let shop: Shop;
  let gateway: TestGateway;

  beforeEach(async () => {
    redis = await startRedis();
    shop = new Shop(redis.url);
    gateway = await startGateway(redis.url, { FLUX_REDIS_COMMAND_TIMEOUT_MS: String(COMMAND_TIMEOUT_MS) });
  });

  afterEach(async () => {
    redis.thaw();
    await closeGateways();
    shop.close();
    await redis.remove();
  });

  async function timed(
    request: Promise<Response>,
  ): Promise<{ readonly answer: Response; readonly tookMs: number }> {
    const startedAtMs = performance.now();
    const answer = await request;
    return { answer, tookMs: performance.now() - startedAtMs };
  }

  it('S3: answers outcome-unknown within the command timeout while Redis is frozen; the key then gives the answer', async () => {
    const item = await shop.open();
    const purchase = { body: { productId: item.productId }, shopper: randomId('shopper'), key: randomUUID() };
    await buy(gateway, { body: { productId: item.productId } });
    redis.freeze();
    const { answer, tookMs } = await timed(buy(gateway, purchase));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^[1-3]$/);
    expect(await codeOf(answer)).toBe('outcome-unknown');
    expect(tookMs).toBeLessThan(COMMAND_TIMEOUT_MS + SLACK_MS);

    redis.thaw();
    const settled = await waitUntil('the gateway has recovered', async () => {
      const retry = await buy(gateway, purchase);
      return retry.status === 202 && retry;
    });
    const again = await buy(gateway, purchase);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.text()).toBe(await settled.text());
    expect((await shop.gate.readItem(item))?.available).toBe(98);
  });

  it('S6: answers every request 503 with Retry-After while Redis is dead, never "sold out", and recovers by itself', async () => {
    const item = await shop.open({ stock: 1 });
    const buyer = { body: { productId: item.productId }, shopper: randomId('shopper'), key: randomUUID() };
    const first = await (await buy(gateway, buyer)).text();
    expect(await codeOf(await buy(gateway, { body: { productId: item.productId } }))).toBe('sold-out');
    await redis.kill();
    await waitUntil('the gateway has noticed', async () => {
      const { status } = await fetch(`${gateway.base}/health/ready`);
      return status === 503;
    });
    await waitUntil('the answer from before has aged', async () => {
      return (await codeOf(await buy(gateway, { body: { productId: item.productId } }))) !== 'sold-out';
    });
    for (let round = 0; round < 20; round += 1) {
      const { answer, tookMs } = await timed(buy(gateway, { body: { productId: item.productId } }));
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^[1-3]$/);
      expect(['temporarily-unavailable', 'outcome-unknown']).toContain(await codeOf(answer));
      expect(tookMs).toBeLessThan(COMMAND_TIMEOUT_MS + SLACK_MS);
    }
    const reads = ['/v1/sales', `/v1/sales/${item.saleId}`, `/v1/orders/${item.saleId}.p.${'x'.repeat(22)}`];
    for (const path of reads) {
      const { answer, tookMs } = await timed(
        waitUntil('what was cached has aged', async () => {
          const read = await fetch(`${gateway.base}${path}`, { headers: { 'x-shopper-id': 'ada' } });
          return read.status !== 200 && read;
        }),
      );
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^[1-3]$/);
      expect(await codeOf(answer)).toBe('temporarily-unavailable');
      expect(tookMs).toBeLessThan(1_000 + COMMAND_TIMEOUT_MS + SLACK_MS);
    }
    expect((await fetch(`${gateway.base}/health/live`)).status).toBe(200);

    await redis.restart();
    const replay = await waitUntil('the gateway has recovered', async () => {
      const retry = await buy(gateway, buyer);
      return retry.status === 202 && retry;
    });
    expect(await replay.text()).toBe(first);
    expect((await fetch(`${gateway.base}/health/ready`)).status).toBe(200);
  });

  it('answers what is under way when it is closed, and refuses what comes after', async () => {
    const { productId, saleId } = await shop.open();
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: redis.port });
    const slow = await startGateway(`redis://127.0.0.1:${proxy.port}`, {
      FLUX_REDIS_COMMAND_TIMEOUT_MS: '5000',
    });
    expect((await buy(slow, { body: { productId } })).status).toBe(202);
    proxy.set('hold-answers');
    const underWay = buy(slow, { body: { productId } });
    await waitUntil('the gate has decided', async () => {
      return (await shop.gate.readItem({ productId, saleId }))?.available === 98;
    });
    const closed = slow.close();
    await waitUntil('the port is closed', async () => {
      return fetch(`${slow.base}/health/live`).then(
        () => false,
        () => true,
      );
    });
    proxy.set('pass');
    expect((await underWay).status).toBe(202);
    await closed;
    await proxy.stop();
  });
});
