import type { OpenAPIObject } from '@nestjs/swagger';
import { AdminWorld, OPERATOR, SERVICE, codeOf } from './admin.world';

jest.setTimeout(60_000);

const METHODS = ['get', 'post', 'delete', 'put', 'patch'] as const;

interface Route {
  readonly method: string;
  readonly path: string;
  readonly statuses: string;
}

describe('the keys of services and of operators', () => {
  let world: AdminWorld;
  let document: OpenAPIObject;
  let routes: readonly Route[];
  beforeAll(async () => {
    world = await AdminWorld.start();
    document = (await world.call('GET', '/docs/openapi.json', { key: null })).body as OpenAPIObject;
    routes = Object.entries(document.paths).flatMap(([path, operations]) =>
      METHODS.flatMap((method) => {
        const operation = operations[method];
        return operation === undefined
          ? []
          : [{ method, path, statuses: Object.keys(operation.responses).join(' ') }];
      }),
    );
  });
  afterAll(() => world.stop());

  const under = (prefix: string) => routes.filter(({ path }) => path.startsWith(prefix));
  const urlOf = ({ path }: Route) => path.replaceAll(/\{\w+\}/g, 'no:id');

  it('are documented with every route of the shop-service API, its answers and examples', () => {
    const listed = under('/shop/v1/orders')
      .concat(under('/shop/v1/refunds'))
      .map(({ method, path, statuses }) => `${method} ${path} ${statuses}`);
    expect(listed.sort()).toEqual([
      'get /shop/v1/orders 200 400 401 500 503',
      'get /shop/v1/orders/{id} 200 400 401 404 500 503',
      'get /shop/v1/refunds 200 400 401 500 503',
      'post /shop/v1/orders/{id}/cancel 200 400 401 404 409 413 415 422 500 503',
      'post /shop/v1/orders/{id}/paid 200 400 401 404 409 413 415 422 500 503',
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

  it('a service key opens no route of operators, an operator key none of services', async () => {
    for (const [prefix, key] of [
      ['/admin/', SERVICE.key],
      ['/shop/', OPERATOR.key],
    ] as const) {
      const shut = under(prefix);
      expect(shut.length).toBeGreaterThan(4);
      for (const route of shut) {
        const answer = await world.call(route.method.toUpperCase(), urlOf(route), { key });
        expect([route.path, answer.status, codeOf(answer)]).toEqual([route.path, 401, 'unauthenticated']);
        expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
    }
  });

  it.each([null, '', 'wrong', SERVICE.key.slice(1), `${SERVICE.key}0`, SERVICE.key.toUpperCase()])(
    'the key %j opens no route of services, before anything else is looked at',
    async (key) => {
      for (const route of under('/shop/')) {
        const answer = await world.call(route.method.toUpperCase(), urlOf(route), { key });
        expect([route.path, answer.status, codeOf(answer)]).toEqual([route.path, 401, 'unauthenticated']);
      }
    },
  );

  it.each([
    ['/%73hop/v1/orders', 401],
    ['//shop/v1/orders', 404],
    ['/SHOP/v1/orders', 404],
    ['/shop/v1/orders/', 404],
    ['/shop/v1/orders?key=the-key-of-shop-0123456789', 401],
  ])('nobody gets around the guard by writing %s', async (path, status) => {
    expect((await world.call('GET', path, { key: null })).status).toBe(status);
  });

  it('a list names no order of a shopper to who is no service: a shopper’s token is no key', async () => {
    const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.6rnl3pWfZ2m7lSLVqQh2Q5n0y9B0F6nq1Zb9rVh5y5o';
    const answer = await world.call('GET', '/shop/v1/orders', { key: token });
    expect(answer.status).toBe(401);
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
      for (const key of [SERVICE.key, OPERATOR.key, '', null]) {
        expect((await world.call('GET', '/shop/v1/orders', { key })).status).toBe(401);
      }
      expect((await world.call('GET', '/admin/v1/sales')).status).toBe(200);
    } finally {
      await world.stop();
    }
  });
});
