import { randomUUID } from 'node:crypto';
import { startRedis, type RedisServer } from '@flux/testing';
import { Shop, buy, closeGateways, codeOf, startGateway } from './world';

interface Operation {
  readonly tags: readonly string[];
  readonly operationId?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly example?: string;
    readonly schema?: { readonly example?: string };
  }[];
  readonly requestBody?: {
    readonly content: Record<string, { readonly examples: Record<string, { readonly value: unknown }> }>;
  };
  readonly responses: Record<string, unknown>;
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
}

describe("the gateway's edge", () => {
  let redis: RedisServer;
  let shop: Shop;

  beforeAll(async () => {
    redis = await startRedis();
    shop = new Shop(redis.url);
    await shop.open({ state: 'retired' });
    await shop.open({ opensInMs: 60_000 });
    await shop.open({ stock: 0 });
    const onSale = await shop.open({ stock: 1_000 });
    await shop.putRoom(onSale, { mode: 'auto', draw: { commitment: '0'.repeat(64) } });
    // The sale of the newest record is sold out: no example for it.
    await shop.open({ stock: 0 });
  });

  afterAll(async () => {
    await closeGateways();
    shop.close();
    await redis.remove();
  });

  it('limits requests per address, says when to come back, and leaves probes alone', async () => {
    const gateway = await startGateway(redis.url, {
      FLUX_ADDRESS_LIMIT: '5/1m',
    });
    for (let index = 0; index < 5; index += 1) {
      expect((await fetch(`${gateway.base}/v1/sales`)).status).toBe(200);
    }
    const answer = await buy(gateway, { body: {}, headers: { 'x-forwarded-for': '1.2.3.4' } });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(63);
    expect(await codeOf(answer)).toBe('rate-limited');
    expect((await fetch(`${gateway.base}/health/live`)).status).toBe(200);
    expect((await fetch(`${gateway.base}/health/ready`)).status).toBe(200);
  });

  it('S37: tells health without detail, and no metrics', async () => {
    const gateway = await startGateway(redis.url);
    expect(await (await fetch(`${gateway.base}/health/live`)).json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${gateway.base}/health/ready`)).json()).toEqual({
      ready: true,
      checks: { redis: 'ok', catalogue: 'ok' },
    });
    expect((await fetch(`${gateway.base}/metrics`)).status).toBe(404);
  });

  it('S36: allows the configured origins and no other', async () => {
    const gateway = await startGateway(redis.url, {
      FLUX_CORS_ORIGINS: 'https://shop.example, http://localhost:8080',
    });
    const preflight = await fetch(`${gateway.base}/v1/orders`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'idempotency-key,x-shopper-id',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://shop.example');
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(
      /Idempotency-Key.*X-Challenge.*X-Shopper-Id/,
    );
    const answer = await buy(gateway, { body: {}, headers: { origin: 'http://localhost:8080' } });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:8080');
    expect(answer.headers.get('access-control-expose-headers')).toMatch(
      /Idempotency-Replayed.*Location.*Retry-After/,
    );
    const foreign = await buy(gateway, { body: {}, headers: { origin: 'https://evil.example' } });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('documents every operation with an example that works as it stands, and every refusal', async () => {
    const gateway = await startGateway(redis.url);
    expect(await (await fetch(`${gateway.base}/docs`)).text()).toContain('swagger-ui');
    for (const asset of ['swagger-ui-bundle.js', 'swagger-ui.css', 'swagger-ui-init.js']) {
      const answer = await fetch(`${gateway.base}/docs/${asset}`);
      expect(answer.status).toBe(200);
      expect((await answer.text()).length).toBeGreaterThan(100);
    }
    const document = (await (await fetch(`${gateway.base}/docs/openapi.json`)).json()) as Document;
    expect(Object.keys(document.paths).sort()).toEqual([
      '/health/live',
      '/health/ready',
      '/v1/orders',
      '/v1/orders/{orderId}',
      '/v1/orders/{orderId}/cancel',
      '/v1/orders/{orderId}/events',
      '/v1/sales',
      '/v1/sales/{saleId}',
      '/v1/sales/{saleId}/challenge',
      '/v1/sales/{saleId}/draw',
      '/v1/sales/{saleId}/queue',
      '/v1/sales/{saleId}/queue/events',
    ]);
    expect(Object.keys(document.paths['/v1/orders']?.['post']?.responses ?? {})).toEqual([
      '202',
      '302',
      '400',
      '401',
      '403',
      '404',
      '409',
      '413',
      '415',
      '422',
      '429',
      '503',
    ]);
    // The purchase first: the order's example is the one that it makes.
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    expect(operations).toHaveLength(14);
    expect(new Set(operations.flatMap(({ operation }) => operation.tags.join()))).toEqual(
      new Set(['orders', 'sales', 'health', 'waiting room']),
    );
    for (const { path, method, operation } of operations) {
      const given = (place: string) =>
        (operation.parameters ?? [])
          .filter((parameter) => parameter.in === place)
          .map(({ name, example, schema }) => [name, example ?? schema?.example] as const);
      const address = given('path').reduce(
        (url, [name, example]) => url.replace(`{${name}}`, String(example)),
        path,
      );
      const headers = given('header').filter(([, example]) => example !== undefined);
      const [simple] = Object.values(operation.requestBody?.content['application/json']?.examples ?? {});
      const answer = await fetch(`${gateway.base}${address}`, {
        method: method.toUpperCase(),
        headers: {
          ...(Object.fromEntries(headers) as Record<string, string>),
          ...(simple === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(simple === undefined ? {} : { body: JSON.stringify(simple.value) }),
      });
      // Of a stream the head is enough.
      await answer.body?.cancel();
      expect(`${method} ${path} ${answer.status}`).toBe(
        `${method} ${path} ${Object.keys(operation.responses)[0] ?? ''}`,
      );
    }
  });

  it('serves the docs in production where FLUX_DOCS says so, with the token instead of the demo header', async () => {
    const gateway = await startGateway(redis.url, {
      NODE_ENV: 'production',
      FLUX_AUTH: 'jwt',
      FLUX_JWT_SECRET: randomUUID(),
      FLUX_TOKEN_KEYS: `k1:${randomUUID()}`,
      FLUX_DOCS: '1',
    });
    const text = await (await fetch(`${gateway.base}/docs/openapi.json`)).text();
    expect(text).toContain('"bearerFormat":"JWT"');
    expect(text).not.toContain('x-shopper-id');
  });
});
