import type { OpenAPIObject } from '@nestjs/swagger';
import { AdminWorld, OPERATOR, SERVICE } from './admin.world';
import { openApiOf, routesOf, type ApiRoute } from './api-routes';

jest.setTimeout(60_000);

describe('the shop-service API at its edge', () => {
  let world: AdminWorld;
  let document: OpenAPIObject;
  let routes: readonly ApiRoute[];
  beforeAll(async () => {
    world = await AdminWorld.start();
    document = await openApiOf(world);
    routes = routesOf(document);
  });
  afterAll(() => world.stop());

  const under = (prefix: string) => routes.filter(({ path }) => path.startsWith(prefix));

  it('documents every route with its answers, examples and the key', () => {
    const listed = under('/shop/v1/orders')
      .concat(under('/shop/v1/refunds'))
      .map(({ method, path, statuses }) => `${method} ${path} ${statuses.join(' ')}`);
    expect(listed.sort()).toEqual([
      'get /shop/v1/orders 200 400 401 403 429 503',
      'get /shop/v1/orders/{id} 200 400 401 403 404 429 503',
      'get /shop/v1/refunds 200 400 401 403 429 503',
      'post /shop/v1/orders/{id}/cancel 200 400 401 403 404 409 413 415 422 429 503',
      'post /shop/v1/orders/{id}/paid 200 400 401 403 404 409 413 415 422 429 503',
    ]);
    for (const { method, path } of under('/shop/')) {
      const operation = document.paths[path]?.[method as 'get' | 'post'];
      expect([path, operation?.security]).toEqual([path, [{ serviceKey: [] }]]);
    }
    const list = JSON.stringify(document.paths['/shop/v1/orders']?.get?.responses['200']);
    for (const type of ['application/json', 'text/csv', 'application/x-ndjson']) expect(list).toContain(type);
    const paid = JSON.stringify(document.paths['/shop/v1/orders/{id}/paid']?.post);
    for (const code of ['refund-due', 'amount-mismatch', 'not-confirmed', 'Idempotency-Replayed']) {
      expect(paid).toContain(code);
    }
  });

  it.each([
    ['/%73hop/v1/orders', 401],
    ['//shop/v1/orders', 404],
    ['/SHOP/v1/orders', 404],
    ['/shop/v1/orders/', 404],
    ['/shop/v1/orders?key=the-key-of-shop-0123456789', 401],
  ])('S26: nobody gets around the guard by writing %s', async (path, status) => {
    expect((await world.call('GET', path, { key: null })).status).toBe(status);
  });

  it('nobody lists orders by saying who they are', async () => {
    const claimed = await world.call('GET', '/shop/v1/orders', {
      key: null,
      headers: { 'x-shopper-id': 'ann' },
    });
    expect(claimed.status).toBe(401);
  });
});

describe('without service keys', () => {
  it('the shop-service API refuses everybody', async () => {
    const world = await AdminWorld.start({ settings: { FLUX_SERVICE_KEYS: '' } });
    try {
      const statuses: number[] = [];
      for (const key of [SERVICE.key, OPERATOR.key, '', null]) {
        statuses.push((await world.call('GET', '/shop/v1/orders', { key })).status);
      }
      expect(statuses).toEqual([401, 403, 401, 401]);
      expect((await world.call('GET', '/admin/v1/sales')).status).toBe(200);
    } finally {
      await world.stop();
    }
  });
});
