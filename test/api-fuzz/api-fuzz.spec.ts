import { waitUntil } from '@flux/testing';
import fc from 'fast-check';
import type { AppProcess } from '../e2e/support/app-process';
import { startWorld, type World } from '../e2e/support/world';
import { filled, requestOf, type FuzzedRequest, type Known } from './arbitraries';
import { Conformity } from './conformity';
import { operationsOf, type Operation } from './document';

/** They take a sale that is retired, a draw, a challenge or a payment: tests of their own are about those, in apps/gateway/test. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'post /v1/sales/{saleId}/queue 403',
  'get /v1/sales/{saleId}/queue 404',
  'get /v1/sales/{saleId}/queue 409',
  'delete /v1/sales/{saleId}/queue 404',
  'delete /v1/sales/{saleId}/queue 409',
  'get /v1/orders/{orderId} 409',
  'post /v1/orders/{orderId}/cancel 409',
  'get /v1/orders/{orderId}/events 204',
  'get /v1/orders/{orderId}/events 409',
  'get /v1/sales/{saleId}/queue/events 404',
  'get /v1/sales/{saleId}/queue/events 409',
  'get /v1/sales/{saleId}/draw 200',
]);

/** `npm run test:full` makes more of each operation. */
const RUNS = Number(process.env['FLUX_FUZZ_RUNS'] ?? 30);
const SEED = Number(process.env['FLUX_FUZZ_SEED'] ?? 1_127_2026);
const PRODUCT = 'fuzz-seed';
const SALE = 'fuzz';
const LINE = 'fuzz-line';
const OVER = 'fuzz-over';
/** The sale that generated requests of operators may pause, close and change. */
const OF_OPERATORS = 'fuzz-operators';
/** Of an order that is there, and of one that is not. */
const KEYED = { 'x-shopper-id': 'ann', 'idempotency-key': 'ann-0123456789abc' };
const FRESH = { 'x-shopper-id': 'cem', 'idempotency-key': 'cem-0123456789abc' };
/** What says who asks. */
const CREDENTIALS = new Set(['authorization', 'x-shopper-id', 'x-ticket']);

/** Of what a gateway remembers. */
const PATIENCE_MS = 15_000;

jest.setTimeout(600_000);

describe(`the documents of both APIs, ${RUNS} generated requests an operation, seed ${SEED}`, () => {
  const conformity = new Conformity();
  const known: Record<string, string[]> = {};
  let world: World;
  let gateway: AppProcess;
  let shopOperations: readonly Operation[];
  let adminOperations: readonly Operation[];

  beforeAll(async () => {
    world = await startWorld({ gateways: 1, relays: 1, orders: 1 }, { FLUX_SHOPPER_LIMIT: 'off' });
    const [first] = world.gateways;
    if (first === undefined) throw new Error('there is no gateway');
    gateway = first;
    await world.operator.openSale(SALE, PRODUCT, { stock: 10_000, perShopperLimit: 1_000 });
    shopOperations = (await operationsOf(gateway.baseUrl)).filter(isOurs);
    adminOperations = (await operationsOf(world.admin.baseUrl)).filter(isOurs);
    await nameThings();
  });

  afterAll(() => world.stop());

  /** Swagger's own pages and Prometheus' text are not ours to describe. */
  function isOurs({ path }: Operation): boolean {
    return !path.startsWith('/metrics') && !path.startsWith('/docs');
  }

  async function nameThings(): Promise<void> {
    const bought = await fetch(`${gateway.baseUrl}/v1/orders`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-shopper-id': 'ann',
        'idempotency-key': 'ann-0123456789abc',
      },
      body: JSON.stringify({ productId: PRODUCT }),
    });
    const { orderId } = (await bought.json()) as { readonly orderId: string };
    await world.operator.call('POST', '/admin/v1/sales', {
      id: LINE,
      name: LINE,
      opensAt: new Date(Date.now() - 60_000).toISOString(),
      closesAt: new Date(Date.now() + 3_600_000).toISOString(),
      holdMs: 600_000,
      items: [{ productId: LINE, name: LINE, stock: 5, perShopperLimit: 1, priceMinor: 1, currency: 'EUR' }],
      admission: { mode: 'closed' },
    });
    await world.operator.call('POST', `/admin/v1/sales/${LINE}/open`);
    await world.operator.openSale(OF_OPERATORS, OF_OPERATORS, { stock: 100 });
    await world.operator.openSale(OVER, OVER, { stock: 5 });
    await world.operator.call('POST', `/admin/v1/sales/${OVER}/close`);
    const ticket = await waitUntil('there is a line', async () => {
      const joined = await fetch(`${gateway.baseUrl}/v1/sales/${LINE}/queue`, {
        method: 'POST',
        headers: { 'x-shopper-id': 'ann' },
      });
      return ((await joined.json()) as { readonly ticket?: string }).ticket;
    });
    Object.assign(known, {
      saleId: [LINE, SALE],
      'x-ticket': [ticket],
      id: [OF_OPERATORS, orderId],
      productId: [PRODUCT, OF_OPERATORS],
      orderId: [orderId],
      'x-shopper-id': ['ann', 'bob'],
      'Idempotency-Key': ['ann-0123456789abc', 'bob-0123456789abc'],
    });
  }

  const credentialsOf = (operation: Operation): Readonly<Record<string, string>> => {
    const { operatorKey, serviceKey } = world.credentials;
    if (operation.path.startsWith('/admin/')) return { authorization: `Bearer ${operatorKey}` };
    if (operation.path.startsWith('/shop/')) return { authorization: `Bearer ${serviceKey}` };
    return {};
  };

  const send = (
    app: AppProcess,
    { method }: Operation,
    { path, headers, body }: FuzzedRequest,
  ): Promise<Response> =>
    fetch(`${app.baseUrl}${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    });

  async function fuzz(app: AppProcess, operations: readonly Operation[], names: Known): Promise<void> {
    for (const operation of operations) {
      const requests = requestOf(operation, { known: names, credentials: credentialsOf(operation) });
      await fc.assert(
        fc.asyncProperty(requests, async (request) => {
          const answer = await send(app, operation, request);
          const fault = await conformity.faultOf(operation, answer);
          if (fault !== undefined) throw new Error(fault);
          if (answer.status >= 500) throw new Error(`${operation.name} is answered ${answer.status}`);
        }),
        { numRuns: RUNS, seed: SEED, endOnFailure: true },
      );
    }
  }

  it('the shop API answers nothing but what it documents, and no 5xx', async () => {
    await fuzz(gateway, shopOperations, known);
  });

  it('the operators’ and services’ API answers nothing but what it documents, and no 5xx', async () => {
    await fuzz(world.admin, adminOperations, known);
  });

  /** What is wrong with a request that is right otherwise, by the status that every operation which documents it answers. */
  const WRONGS: readonly (readonly [number, string, (example: FuzzedRequest) => FuzzedRequest])[] = [
    [
      401,
      'nobody',
      ({ headers, ...example }) => ({
        ...example,
        headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIALS.has(name))),
      }),
    ],
    [
      413,
      'too much',
      ({ path, headers }) => ({
        path,
        headers: { ...headers, ...contentType('') },
        body: `"${'x'.repeat(1_100_000)}"`,
      }),
    ],
    [
      415,
      'text',
      ({ path, headers }) => ({ path, headers: { ...headers, 'content-type': 'text/plain' }, body: '{}' }),
    ],
  ];

  it.each(WRONGS)(
    '%i is answered by every operation that documents it: %s',
    async (status, _what, wronged) => {
      await expectOf(status, gateway, shopOperations, wronged);
      await expectOf(status, world.admin, adminOperations, wronged);
    },
  );

  it.each<readonly [string, number, FuzzedRequest]>([
    [
      'post /v1/orders',
      202,
      { path: '', headers: { ...FRESH, 'x-shopper-id': 'dan' }, body: `{"productId":"${PRODUCT}"}` },
    ],
    ['post /v1/orders', 404, { path: '', headers: FRESH, body: '{"productId":"of-nobody"}' }],
    [
      'post /v1/orders/{orderId}/cancel',
      400,
      { path: '', headers: { 'x-shopper-id': 'ann' }, body: '{"why":1}' },
    ],
    [
      'post /v1/sales/{saleId}/queue',
      400,
      { path: '', headers: { 'x-shopper-id': 'ann' }, body: '{"place":1}' },
    ],
    ['get /v1/sales/{saleId}/queue/events', 403, { path: '', headers: { origin: 'https://evil.example' } }],
    ['post /v1/orders', 422, { path: '', headers: KEYED, body: `{"productId":"${PRODUCT}","quantity":2}` }],
    [
      'post /v1/orders',
      302,
      { path: '', headers: { ...FRESH, accept: 'text/html' }, body: `{"productId":"${LINE}"}` },
    ],
    [
      'post /v1/orders',
      403,
      { path: '', headers: { ...FRESH, 'x-pass': 'none' }, body: `{"productId":"${LINE}"}` },
    ],
    [
      'post /v1/orders',
      409,
      { path: '', headers: FRESH, body: `{"productId":"${OVER}","saleId":"${OVER}"}` },
    ],
    ['get /v1/sales/{saleId}/queue/events', 200, { path: '', headers: {} }],
    ['get /v1/sales', 304, { path: '', headers: { 'if-none-match': '*' } }],
    ['get /v1/sales/{saleId}', 304, { path: '', headers: { 'if-none-match': '*' } }],
    ['get /v1/orders/{orderId}/events', 200, { path: '', headers: { 'x-shopper-id': 'ann' } }],
    ['get /v1/orders/{orderId}/events', 403, { path: '', headers: { origin: 'https://evil.example' } }],
    [
      'post /v1/sales/{saleId}/queue',
      409,
      { path: `/v1/sales/${OVER}/queue`, headers: { 'x-shopper-id': 'ann' } },
    ],
  ])('%s is answered %i where it is due', async (name, status, { path, headers, body }) => {
    const operation = shopOperations.find((candidate) => candidate.name === name);
    if (operation === undefined) throw new Error(`${name} is not documented`);
    const answer = await send(gateway, operation, {
      path: path === '' ? exampleOf(operation).path : path,
      headers: { 'x-ticket': known['x-ticket']?.[0] ?? '', ...headers, ...contentType(body) },
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.status).toBe(status);
    expect(await conformity.faultOf(operation, answer)).toBeUndefined();
  });

  it('429 is answered by every operation of the shop API that documents it, to whoever asks too often', async () => {
    const strict = await world.start('gateway', { FLUX_ADDRESS_LIMIT: '1/1h' });
    await fetch(`${strict.baseUrl}/v1/sales`);
    await expectOf(429, strict, shopOperations, (example) => example);
  });

  it('503 is answered by every operation of the shop API that documents it, while Redis is gone', async () => {
    await world.redis.kill();
    await expectOf(503, gateway, shopOperations, (example) => example);
    await world.redis.restart();
  });

  it('every documented status of the shop API occurs here, but those that whole tests of their own are about', () => {
    expect(conformity.missing(shopOperations).filter((status) => !ELSEWHERE.has(status))).toEqual([]);
  });

  async function expectOf(
    status: number,
    app: AppProcess,
    operations: readonly Operation[],
    changed: (example: FuzzedRequest) => FuzzedRequest,
  ): Promise<void> {
    for (const operation of operations) {
      if (!operation.answers.has(status)) continue;
      const answered = new Set<number>();
      // What was read a moment ago may still be answered from memory.
      await waitUntil(
        `${operation.name} is answered ${status}`,
        async () => {
          const answer = await send(app, operation, changed(exampleOf(operation)));
          expect(await conformity.faultOf(operation, answer)).toBeUndefined();
          answered.add(answer.status);
          return answer.status === status;
        },
        { timeoutMs: PATIENCE_MS },
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}; it is answered ${[...answered].join(', ')}`, { cause: error });
      });
    }
  }

  const contentType = (body: string | undefined): Record<string, string> =>
    body === undefined ? {} : { 'content-type': 'application/json' };

  /** The documented example, of things that are there. */
  function exampleOf(operation: Operation): FuzzedRequest {
    const { path, parameters, body } = operation;
    const value = body?.example ?? Object.values(body?.examples ?? {})[0]?.value;
    const given = Object.fromEntries(
      parameters.map(({ name, example, schema }) => [
        name,
        known[name]?.[0] ?? example ?? schema?.example ?? 'x',
      ]),
    );
    const headers = parameters.filter(
      ({ in: place, name, required }) => place === 'header' && (required === true || name in known),
    );
    return {
      path: filled(path, given),
      headers: {
        ...Object.fromEntries(headers.map(({ name }) => [name, given[name] ?? ''])),
        ...credentialsOf(operation),
        ...contentType(value === undefined ? undefined : ''),
      },
      ...(value === undefined ? {} : { body: JSON.stringify(value) }),
    };
  }
});
