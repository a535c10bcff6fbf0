import { AdminWorld, OPERATOR, SERVICE } from '../../apps/admin/test/admin.world';
import { askRaw, request } from './raw';

jest.setTimeout(60_000);

const VARIANTS = [
  '/%61dmin/v1/sales',
  '/admin/%76%31/sales',
  '//admin/v1/sales',
  '/ADMIN/v1/sales',
  '/Admin/V1/Sales',
  '/admin;x/v1/sales',
  '/admin/v1;x/sales',
  '/admin/v1/sales;x=/health/live',
  '/admin/v1/sales/',
  '/admin/v1/sales//',
  '/admin%2fv1%2fsales',
  '/admin/v1%2fsales',
  '/admin\\v1\\sales',
  '/admin/./v1/sales',
  '/health/../admin/v1/sales',
  '/docs/../admin/v1/sales',
  '/docs/%2e%2e/admin/v1/sales',
  '/admin/v1/sales?/health/live',
  '/admin/v1/sales%00',
  '/admin/v1/sales%23',
  'http://127.0.0.1/admin/v1/sales',
  '/shop/v1/orders/../../../admin/v1/sales',
  '/%73hop/v1/orders',
  '//shop/v1/orders',
];

describe('hostile requests at the operators’ listener', () => {
  let world: AdminWorld;
  let base: string;

  beforeAll(async () => {
    world = await AdminWorld.start();
    base = await world.app.getUrl();
  });
  afterAll(() => world.stop());

  const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

  it.each(VARIANTS)('S26: %s is behind the same guard, or is not there', async (path) => {
    const nobody = await askRaw(base, request(`GET ${path}`));
    expect([400, 401, 403, 404]).toContain(nobody.status);
    expect(nobody.body).not.toContain('"sales":');
    const wrongKey = await askRaw(base, request(`GET ${path}`, bearer('no-key-of-anybody-0123456789')));
    expect(wrongKey.status).toBe(nobody.status);
  });

  it('S26: method override headers change nothing', async () => {
    const headers = {
      'X-HTTP-Method-Override': 'POST',
      'X-Original-URL': '/admin/v1/sales',
      'X-Rewrite-URL': '/admin/v1/sales',
    };
    expect((await askRaw(base, request('GET /health/live', headers))).body).toBe('{"status":"ok"}');
    expect((await askRaw(base, request('GET /admin/v1/sales', headers))).status).toBe(401);
  });

  it.each([
    ['S24', 'nested 10,000 deep', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['S24', 'nested 10,000 deep in a field', `{"name":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`],
    ['S23', 'with __proto__', '{"__proto__":{"role":"owner"}}'],
    ['S23', 'with a key twice', '{"name":"a","name":"b"}'],
    ['S23', 'with NUL', '{"name":"\\u0000"}'],
    ['S23', 'with half a surrogate pair', '{"name":"\\ud800"}'],
    ['S28', 'with CRLF in an id', '{"id":"a\\r\\nb"}'],
    ['S29', 'with braces in an id', '{"id":"{a}"}'],
  ])('%s: a sale %s is answered 400', async (_row, _what, body) => {
    const text = request(
      'POST /admin/v1/sales',
      { ...bearer(OPERATOR.key), 'Content-Type': 'application/json' },
      body,
    );
    const answer = await askRaw(base, text);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  it('S20: a body over its limit of 1 MB is answered 413', async () => {
    const headers = {
      ...bearer(OPERATOR.key),
      'Content-Type': 'application/json',
      'Content-Length': '1048577',
    };
    expect((await askRaw(base, request('POST /admin/v1/sales', headers, '{}'))).status).toBe(413);
  });

  it.each([
    ['a service at the operators’', 'GET /admin/v1/sales', SERVICE.key],
    ['an operator at the services’', 'GET /shop/v1/orders', OPERATOR.key],
    ['a shopper', 'GET /admin/v1/sales', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.AAAA'],
  ])('S31: %s is answered 403', async (_who, line, key) => {
    expect((await askRaw(base, request(line, bearer(key)))).status).toBe(403);
  });
});
