import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { ItemRef, Problem } from '@flux/contracts';
import { buyOrder, useWorld } from '../../apps/gateway/test/world';
import { askRaw, request, sendRaw } from './raw';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('hostile requests at the shop listener', () => {
  const world = useWorld({ FLUX_CORS_ORIGINS: 'https://shop.example' });
  let item: ItemRef;

  beforeAll(async () => {
    item = await world.shop.open({ stock: 1_000 });
  });

  const purchase = (headers: Readonly<Record<string, string>>, body: string) =>
    request('POST /v1/orders', { ...identified(), ...JSON_TYPE, ...headers }, body);
  const identified = () => ({ 'X-Shopper-Id': 'ada', 'Idempotency-Key': randomUUID() });

  async function expectRefusal(text: string, status: number, code: string): Promise<void> {
    const answer = await askRaw(world.gateway.base, text);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    const problem = JSON.parse(answer.body) as Problem;
    expect(`${answer.status} ${problem.status} ${problem.code}`).toBe(`${status} ${status} ${code}`);
    expect(answer.body).not.toMatch(/canary|node_modules|\.[jt]s\b/);
  }

  it.each([
    ['S20', 'a body of 4,097 bytes', 413, 'payload-too-large', () => purchase({}, 'x'.repeat(4_097))],
    [
      'S20',
      'a body that is announced',
      413,
      'payload-too-large',
      () => purchase({ 'Content-Length': '4097' }, ''),
    ],
    [
      'S20',
      'a body in chunks',
      413,
      'payload-too-large',
      () =>
        request('POST /v1/orders', { ...identified(), ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }) +
        `1001\r\n${'x'.repeat(4_097)}\r\n0\r\n\r\n`,
    ],
    [
      'S21',
      'headers of 9 kB',
      431,
      'headers-too-large',
      () => request('GET /v1/sales', { X: 'canary'.repeat(1_500) }),
    ],
    [
      'S21',
      '65 headers',
      431,
      'headers-too-large',
      () =>
        request(
          'GET /v1/sales',
          Object.fromEntries(Array.from({ length: 63 }, (_, index) => [`X-${index}`, '1'])),
        ),
    ],
    [
      'S21',
      'an address of 2,049 bytes',
      414,
      'uri-too-long',
      () => request(`GET /v1/sales?${'x'.repeat(2_039)}`),
    ],
    [
      'S21',
      'a parameter of 121 bytes',
      414,
      'uri-too-long',
      () => request(`GET /v1/sales/${'x'.repeat(121)}`),
    ],
    ['S24', 'JSON nested 10,000 deep', 413, 'payload-too-large', () => purchase({}, nested(10_000))],
    ['S24', 'JSON nested 2,000 deep', 400, 'invalid-request', () => purchase({}, nested(2_000))],
    [
      'S25',
      'a tab in its type',
      415,
      'unsupported-media-type',
      () => purchase({ 'Content-Type': 'application/json\ta' }, '{}'),
    ],
    [
      'S25',
      'a space and more in its type',
      415,
      'unsupported-media-type',
      () => purchase({ 'Content-Type': 'application/json a' }, '{}'),
    ],
    ['S25', 'no type', 415, 'unsupported-media-type', () => request('POST /v1/orders', identified(), '{}')],
    ['S25', 'text', 415, 'unsupported-media-type', () => purchase({ 'Content-Type': 'text/plain' }, '{}')],
    [
      'S25',
      'a form',
      415,
      'unsupported-media-type',
      () => purchase({ 'Content-Type': 'multipart/form-data; boundary=x' }, '--x--'),
    ],
    [
      'S25',
      'a compressed bomb',
      415,
      'unsupported-media-type',
      () => purchase({ 'Content-Encoding': 'gzip' }, gzipSync(Buffer.alloc(1_000_000)).toString('latin1')),
    ],
    [
      'S28',
      'CRLF in an id',
      400,
      'invalid-request',
      () => purchase({}, JSON.stringify({ productId: 'a\r\nx-canary: 1' })),
    ],
    [
      'S28',
      'CRLF in its key',
      400,
      'invalid-idempotency-key',
      () => purchase({ 'Idempotency-Key': 'aaaaaaaa%0d%0aaaaaaaaa' }, '{}'),
    ],
    [
      'S28',
      'a bare CR in a header',
      400,
      'invalid-request',
      () => purchase({ 'Idempotency-Key': 'aaaaaaaa\raaaaaaaa' }, '{}'),
    ],
    [
      'S28',
      'CRLF in its address',
      404,
      'unknown-order',
      () => request('GET /v1/orders/a%0d%0aSet-Cookie:canary', identified()),
    ],
    [
      'S29',
      'braces in the product',
      400,
      'invalid-request',
      () => purchase({}, '{"productId":"{product:x}"}'),
    ],
    [
      'S29',
      'a colon in the sale',
      400,
      'invalid-request',
      () => purchase({}, '{"productId":"p","saleId":"a:b"}'),
    ],
    [
      'S29',
      'braces in the shopper',
      401,
      'unauthenticated',
      () => purchase({ 'X-Shopper-Id': '{product:x}' }, JSON.stringify({ productId: item.productId })),
    ],
    ['S36', 'TRACE', 405, 'method-not-allowed', () => request('TRACE /v1/sales')],
    ['S36', 'a method that does not exist', 405, 'method-not-allowed', () => request('BUY /v1/orders')],
  ])('%s: %s is answered %i %s', async (...[, , status, code, text]) => {
    await expectRefusal(text(), status, code);
  });

  it.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 4', '{}'],
    ['a list of lengths', 'Content-Length: 2, 4', '{}'],
    ['a signed length', 'Content-Length: +2', '{}'],
    ['a length in hex', 'Content-Length: 0x2', '{}'],
    ['a length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
    ['chunks that are not last', 'Transfer-Encoding: chunked, identity', '0\r\n\r\n'],
    ['chunks under another name', 'Transfer-Encoding: xchunked', '0\r\n\r\n'],
    ['a space before the colon', 'Transfer-Encoding : chunked', '0\r\n\r\n'],
    ['a folded header', 'X-A: 1\r\n chunked', ''],
    ['a header without a name', ': 1', ''],
    ['a bare LF between headers', 'X-A: 1\nX-B: 1', ''],
    ['a NUL in a header', 'X-A: a\0b', ''],
    ['a size of a chunk that is none', 'Transfer-Encoding: chunked', 'zz\r\n\r\n'],
  ])('S27: %s is answered 400, once, and the connection ends', async (_name, headers, body) => {
    const smuggled = 'GET /v1/sales HTTP/1.1\r\nHost: shop\r\n\r\n';
    const answers = await sendRaw(
      world.gateway.base,
      `POST /v1/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}${smuggled}`,
    );
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expect(answers[0]?.headers['connection']).toBe('close');
  });

  it.each([
    ['headers', 'GET /v1/sales HTTP/1.1\r\nHost: shop\r\nX-Slow: '],
    [
      'a body',
      'POST /v1/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    ],
  ])('S22: %s that never end are answered 408, and the connection ends', async (_name, text) => {
    expect((await askRaw(world.gateway.base, text)).status).toBe(408);
  });

  it.each([
    '/metrics',
    '/admin',
    '/admin/v1/sales',
    '/%61dmin/v1/sales',
    '//admin/v1/sales',
    '/ADMIN/v1/sales',
    '/admin;x/v1/sales',
    '/admin/v1/sales/',
    '/admin%2fv1%2fsales',
    '/v1/../admin/v1/sales',
    '/shop/v1/orders',
    '/health',
  ])('S26, S37: %s is not there', async (path) => {
    await expectRefusal(request(`GET ${path}`), 404, 'not-found');
  });

  it('S36: CONNECT gets no answer and no connection', async () => {
    expect(await sendRaw(world.gateway.base, request('CONNECT evil.example:443'))).toEqual([]);
  });

  it('S37: health says nothing of versions and addresses', async () => {
    for (const path of ['/health/live', '/health/ready']) {
      const { status, body, headers } = await askRaw(world.gateway.base, request(`GET ${path}`));
      expect(status).toBe(200);
      expect(body).not.toMatch(/\d|redis:\/\//);
      expect(headers['server'] ?? headers['x-powered-by']).toBeUndefined();
    }
  });

  it('S36: a page of another origin is told nothing by CORS, the shop its own', async () => {
    const origins = [
      'https://evil.example',
      'null',
      'https://shop.example.evil.example',
      'https://shop.example',
    ];
    const allowed = await Promise.all(
      origins.map(async (Origin) => {
        const { headers } = await askRaw(world.gateway.base, request('GET /v1/sales', { Origin }));
        return headers['access-control-allow-origin'];
      }),
    );
    expect(allowed).toEqual([undefined, undefined, undefined, 'https://shop.example']);
  });

  it('S36: what is private is not to be stored', async () => {
    const { orderId, shopper } = await buyOrder(world.gateway, item);
    const headers = { 'X-Shopper-Id': shopper };
    const private_ = [
      request(`GET /v1/orders/${orderId}`, headers),
      request(`HEAD /v1/orders/${orderId}`, headers),
      request(`GET /v1/orders/${orderId}`),
      request(`GET /v1/orders/${orderId}/events`),
      request(`POST /v1/orders/${orderId}/cancel`, headers),
      purchase({}, JSON.stringify({ productId: item.productId })),
      purchase({}, '{}'),
      request(`POST /v1/sales/${item.saleId}/queue`, headers),
      request(`GET /v1/sales/${item.saleId}/queue`, headers),
    ];
    for (const text of private_) {
      const { headers: answered } = await askRaw(world.gateway.base, text);
      expect(`${text.split('\r\n')[0] ?? ''}: ${String(answered['cache-control'])}`).toMatch(/: no-store$/);
    }
  });

  it('S30: nobody reads, follows or cancels the order of another', async () => {
    const { orderId } = await buyOrder(world.gateway, item);
    const eve = { 'X-Shopper-Id': 'eve' };
    await expectRefusal(request(`GET /v1/orders/${orderId}`, eve), 404, 'unknown-order');
    await expectRefusal(request(`GET /v1/orders/${orderId}/events`, eve), 404, 'unknown-order');
    await expectRefusal(request(`POST /v1/orders/${orderId}/cancel`, eve), 404, 'unknown-order');
  });

  it('none of this is an error of ours', () => {
    expect(world.gateway.lines).toEqual([]);
  });
});
