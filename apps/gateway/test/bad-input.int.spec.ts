import { randomUUID } from 'node:crypto';
import type { ItemRef, Problem } from '@flux/contracts';
import fc from 'fast-check';
import { buy, codeOf, useWorld } from './world';

describe('bad input', () => {
  const world = useWorld();
  let item: ItemRef;

  beforeAll(async () => {
    item = await world.shop.open({ stock: 100_000, perShopperLimit: 1_000 });
  });

  async function expectRefusal(answer: Response, status: number, code: string): Promise<void> {
    expect(`${answer.status} ${String(await codeOf(answer))}`).toBe(`${status} ${code}`);
  }

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['15 characters', 'x'.repeat(15)],
    ['65 characters', 'x'.repeat(65)],
    ['a space', `${'x'.repeat(16)} y`],
    ['a brace', `{${'x'.repeat(16)}}`],
    ['half a quote', `"${'x'.repeat(16)}`],
    ['quotes within quotes', `""${'x'.repeat(16)}""`],
    ['two in one header', `${'x'.repeat(16)}, ${'x'.repeat(16)}`],
  ])('S1: answers 400 to an idempotency key that is %s', async (_name, key) => {
    const answer = await fetch(`${world.gateway.base}/v1/orders`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-shopper-id': 'ada',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify({ productId: item.productId }),
    });
    await expectRefusal(answer, 400, 'invalid-idempotency-key');
  });

  it('S1: answers 400 to two different keys, and to one header sent twice', async () => {
    const body = { productId: item.productId };
    const different = await buy(world.gateway, { body, headers: { 'x-idempotency-key': randomUUID() } });
    await expectRefusal(different, 400, 'invalid-idempotency-key');
    const headers = new Headers({ 'content-type': 'application/json', 'x-shopper-id': 'ada' });
    headers.append('idempotency-key', randomUUID());
    headers.append('idempotency-key', randomUUID());
    const twice = await fetch(`${world.gateway.base}/v1/orders`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    await expectRefusal(twice, 400, 'invalid-idempotency-key');
  });

  it.each([
    ['quantity 0', '"quantity":0', '/quantity'],
    ['quantity -1', '"quantity":-1', '/quantity'],
    ['quantity -0', '"quantity":-0', '/quantity'],
    ['quantity 1.5', '"quantity":1.5', '/quantity'],
    ['quantity 11', '"quantity":11', '/quantity'],
    ['quantity "1"', '"quantity":"1"', '/quantity'],
    ['quantity [1]', '"quantity":[1]', '/quantity'],
    ['quantity null', '"quantity":null', '/quantity'],
    ['quantity true', '"quantity":true', '/quantity'],
    ['quantity 1e999', '"quantity":1e999', '/quantity'],
    ['quantity 2^53+1', '"quantity":9007199254740993', '/quantity'],
    ['a price', '"price":1', ''],
    ['a status', '"status":"paid"', ''],
    ['a shopper', '"shopperId":"eve"', ''],
    ['a sale id with braces', '"saleId":"{sale}"', '/saleId'],
    ['a sale id with a colon', '"saleId":"a:b"', '/saleId'],
    ['an empty sale id', '"saleId":""', '/saleId'],
    ['a long sale id', `"saleId":"${'x'.repeat(41)}"`, '/saleId'],
    ['CRLF in the sale id', '"saleId":"a\\r\\nb"', '/saleId'],
  ])('S23, S28, S29, S30, S32: answers 400 with a JSON pointer to %s', async (_name, field, pointer) => {
    const answer = await buy(world.gateway, { body: `{"productId":"${item.productId}",${field}}` });
    expect(answer.status).toBe(400);
    const problem = (await answer.json()) as Problem;
    expect(problem.code).toBe('invalid-request');
    expect(new Set(problem.errors?.map((error) => error.pointer))).toEqual(new Set([pointer]));
  });

  it.each([
    ['no product', '{}'],
    ['a product with braces', '{"productId":"{p}"}'],
    ['a product with a colon', '{"productId":"a:b"}'],
    ['a product with a dot', '{"productId":"a.b"}'],
    ['a product that is a number', '{"productId":7}'],
    ['no object', '[]'],
    ['null', 'null'],
    ['a string', '"x"'],
    ['no JSON', '{"productId":'],
    ['nothing', ''],
    ['__proto__', '{"__proto__":{"quantity":2},"productId":"p"}'],
    ['constructor.prototype', '{"constructor":{"prototype":{}},"productId":"p"}'],
    ['a key twice', '{"productId":"p","quantity":1,"quantity":2}'],
    ['NUL', '{"productId":"p\\u0000"}'],
    ['half a surrogate pair', '{"productId":"\\ud800"}'],
    ['1,000 levels', `${'['.repeat(1_000)}${']'.repeat(1_000)}`],
    ['1,000 levels in a field', `{"productId":${'['.repeat(1_000)}${']'.repeat(1_000)}}`],
  ])('S23, S24, S29: answers 400 to a body with %s', async (_name, body) => {
    await expectRefusal(await buy(world.gateway, { body }), 400, 'invalid-request');
  });

  it('S20, S24: answers 413 to a body over 4 kB, however deep', async () => {
    await expectRefusal(
      await buy(world.gateway, { body: { productId: 'x'.repeat(4_096) } }),
      413,
      'payload-too-large',
    );
    await expectRefusal(await buy(world.gateway, { body: '['.repeat(10_000) }), 413, 'payload-too-large');
  });

  it.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['application/jsonx'],
    ['multipart/form-data'],
  ])('S25: answers 415 to %s', async (type) => {
    const answer = await buy(world.gateway, { body: '{"productId":"p"}', headers: { 'content-type': type } });
    await expectRefusal(answer, 415, 'unsupported-media-type');
  });

  it('tells paths and methods apart, and has no metrics', async () => {
    await expectRefusal(await fetch(`${world.gateway.base}/v1/orders`), 405, 'method-not-allowed');
    await expectRefusal(
      await fetch(`${world.gateway.base}/v1/sales`, { method: 'POST' }),
      405,
      'method-not-allowed',
    );
    for (const path of [
      '/',
      '/metrics',
      '/admin',
      '/v1',
      '/v1/orders/',
      '/v1/ORDERS',
      '/v1/sales/a/b',
      '//v1/sales',
    ]) {
      await expectRefusal(await fetch(`${world.gateway.base}${path}`), 404, 'not-found');
    }
  });

  it('reads no order under an id that is none', async () => {
    for (const id of ['x', 'a.b', '{a}.{b}.cccccccccccccccccccccc', '%00', '..%2f..%2fetc', 'a%0d%0ab']) {
      const answer = await fetch(`${world.gateway.base}/v1/orders/${id}`, {
        headers: { 'x-shopper-id': 'ada' },
      });
      await expectRefusal(answer, 404, 'unknown-order');
    }
  });

  it('answers no input with a 500', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.constantFrom('', '{', '__proto__', '\u0000', '1e999', '"', item.productId),
    );
    const header = fc.stringMatching(/^[\x21-\x7e][\x20-\x7e]{0,80}$/);
    const body = fc.oneof(
      fc.json(),
      text,
      fc
        .record(
          { productId: fc.anything(), quantity: fc.anything(), saleId: fc.anything() },
          { requiredKeys: [] },
        )
        .map((value) => {
          try {
            return JSON.stringify(value);
          } catch {
            return '{}';
          }
        }),
    );
    await fc.assert(
      fc.asyncProperty(
        body,
        fc.dictionary(
          fc.constantFrom(
            'idempotency-key',
            'x-idempotency-key',
            'x-shopper-id',
            'content-type',
            'x-request-id',
          ),
          fc.oneof(header, fc.constantFrom('application/json', 'x'.repeat(16))),
        ),
        fc.constantFrom('/v1/orders', '/v1/orders/x', '/v1/sales', '/v1/sales/x', '/%', '/v1/orders?%'),
        async (sent, headers, path) => {
          const answer = await fetch(`${world.gateway.base}${path}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', ...headers },
            body: sent,
          });
          await answer.arrayBuffer();
          expect(answer.status).toBeGreaterThanOrEqual(400);
          expect(answer.status).toBeLessThan(500);
        },
      ),
      { numRuns: 200 },
    );
    expect(world.gateway.lines).toEqual([]);
  }, 60_000);

  it('has sold nothing by all of this', async () => {
    expect((await world.shop.gate.readItem(item))?.available).toBe(100_000);
  });
});
