import type { OpenAPIObject } from '@nestjs/swagger';
import { randomId } from '@flux/testing';
import { AdminWorld, codeOf, newKey, saleBody } from './admin.world';
import { openApiOf, routesOf, urlOf, type ApiRoute } from './api-routes';

jest.setTimeout(60_000);

describe('the operator API at its edge', () => {
  let world: AdminWorld;
  let document: OpenAPIObject;
  let routes: readonly ApiRoute[];
  beforeAll(async () => {
    world = await AdminWorld.start();
    document = await openApiOf(world);
    routes = routesOf(document);
  });
  afterAll(() => world.stop());

  it('documents every route with its answers, examples and the key', () => {
    const listed = routes
      .filter(({ path }) => path.startsWith('/admin/'))
      .map(({ method, path, statuses }) => {
        return `${method} ${path} ${statuses.join(' ')}`;
      });
    expect(listed.sort()).toEqual([
      'delete /admin/v1/access-rules/{id} 204 400 401 403 404 429 503',
      'delete /admin/v1/keys/{id} 204 400 401 403 404 429 503',
      'delete /admin/v1/webhooks/{id} 204 400 401 403 404 429 503',
      'get /admin/v1/access-rules 200 400 401 403 429 503',
      'get /admin/v1/audit-log 200 400 401 403 429 503',
      'get /admin/v1/keys 200 401 403 429 503',
      'get /admin/v1/parked 200 400 401 403 429 503',
      'get /admin/v1/sales 200 400 401 403 429 503',
      'get /admin/v1/sales/{id} 200 400 401 403 404 429 503',
      'get /admin/v1/sales/{id}/concentration 200 400 401 403 404 429 503',
      'get /admin/v1/sales/{id}/items/{productId}/rebuild 200 400 401 403 404 429 503',
      'get /admin/v1/sales/{id}/report 200 400 401 403 404 409 429 503',
      'get /admin/v1/webhooks 200 401 403 429 503',
      'get /admin/v1/webhooks/{id}/deliveries 200 400 401 403 404 429 503',
      'post /admin/v1/access-rules 200 201 400 401 403 413 415 429 503',
      'post /admin/v1/keys 201 400 401 403 413 415 429 503',
      'post /admin/v1/parked/{id}/discard 200 400 401 403 404 409 429 503',
      'post /admin/v1/parked/{id}/retry 200 400 401 403 404 409 429 503',
      'post /admin/v1/sales 201 400 401 403 409 413 415 429 503',
      'post /admin/v1/sales/{id}/audit 200 400 401 403 404 429 503',
      'post /admin/v1/sales/{id}/beacon 200 400 401 403 404 409 413 415 429 503',
      'post /admin/v1/sales/{id}/close 200 400 401 403 404 409 429 503',
      'post /admin/v1/sales/{id}/items/{productId}/rebuild 202 400 401 403 404 409 429 503',
      'post /admin/v1/sales/{id}/items/{productId}/stock 200 202 400 401 403 404 409 413 415 422 429 503',
      'post /admin/v1/sales/{id}/open 200 400 401 403 404 409 429 503',
      'post /admin/v1/sales/{id}/pause 200 400 401 403 404 409 429 503',
      'post /admin/v1/sales/{id}/resume 200 400 401 403 404 409 429 503',
      'post /admin/v1/sales/{id}/waiting-room 200 400 401 403 404 409 413 415 429 503',
      'post /admin/v1/webhooks 201 400 401 403 413 415 429 503',
      'post /admin/v1/webhooks/{id}/deliveries/{deliveryId}/retry 200 400 401 403 404 429 503',
      'post /admin/v1/webhooks/{id}/secret 200 400 401 403 404 429 503',
    ]);
    expect(document.components?.securitySchemes).toEqual({
      operatorKey: { type: 'http', scheme: 'bearer' },
      serviceKey: { type: 'http', scheme: 'bearer' },
    });
    const create = document.paths['/admin/v1/sales']?.post;
    expect(create?.security).toEqual([{ operatorKey: [] }]);
    expect(JSON.stringify(create?.responses['409'])).toContain('sale-exists');
  });

  it('documents a body that works as it stands', async () => {
    const body = document.paths['/admin/v1/sales']?.post?.requestBody as unknown as {
      readonly content: {
        readonly 'application/json': { readonly examples: { readonly sale: { readonly value: unknown } } };
      };
    };
    const answer = await world.call('POST', '/admin/v1/sales', {
      body: body.content['application/json'].examples.sale.value,
    });
    expect(answer.status).toBe(201);
    const { id } = answer.body as { readonly id: string };
    const change = document.paths['/admin/v1/sales/{id}/waiting-room']?.post?.requestBody as unknown as {
      readonly content: {
        readonly 'application/json': {
          readonly examples: Readonly<Record<string, { readonly value: unknown }>>;
        };
      };
    };
    for (const { value } of Object.values(change.content['application/json'].examples)) {
      const changed = await world.call('POST', `/admin/v1/sales/${id}/waiting-room`, { body: value });
      expect([value, changed.status]).toEqual([value, 200]);
    }
  });

  it('asks who uses the Bearer scheme, and nothing else', async () => {
    for (const route of routes.filter(({ path }) => path.startsWith('/admin/'))) {
      const answer = await world.call(route.method.toUpperCase(), urlOf(route), { key: null });
      expect([route.path, answer.status]).toEqual([route.path, 401]);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it('takes no key but in the Authorization header', async () => {
    const { key } = { key: 'the-key-of-anna-0123456789' };
    const other = await world.call('GET', `/admin/v1/sales?key=${key}`, { key: null });
    expect(other.status).toBe(401);
    const basic = await world.call('GET', '/admin/v1/sales', {
      key: null,
      headers: { authorization: `Basic ${Buffer.from(`anna:${key}`).toString('base64')}` },
    });
    expect(basic.status).toBe(401);
  });

  it.each([
    ['/%61dmin/v1/sales', 401],
    ['//admin/v1/sales', 404],
    ['/ADMIN/v1/sales', 404],
    ['/admin/v1/sales/', 404],
  ])('S26: lets nobody around the guard by writing %s', async (path, status) => {
    expect((await world.call('GET', path, { key: null })).status).toBe(status);
  });

  it.each([
    [{ name: '' }, '/name'],
    [{ opensAt: 'soon' }, '/opensAt'],
    [{ closesAt: '2020-01-01T00:00:00Z' }, '/closesAt'],
    [{ holdMs: '600000' }, '/holdMs'],
    [{ retentionMs: 1_000 }, '/retentionMs'],
    [{ id: 'a{b}' }, '/id'],
    [{ items: [] }, '/items'],
    [{ surprise: true }, ''],
    [{ items: [{ productId: 'p:1' }] }, '/items/0/productId'],
  ])('refuses the sale %j with a pointer', async (changes, pointer) => {
    const answer = await world.call('POST', '/admin/v1/sales', { body: { ...saleBody(), ...changes } });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid-request']);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const { errors } = answer.body as { errors: { pointer: string }[] };
    expect(errors.map((error) => error.pointer)).toContain(pointer);
  });

  it.each([
    [{ delta: 0, reason: 'x' }, '/delta'],
    [{ delta: 1.5, reason: 'x' }, '/delta'],
    [{ delta: 1 }, '/reason'],
    [{ delta: 1, reason: ' ' }, '/reason'],
    [{ delta: 1, reason: 'x', extra: 1 }, ''],
    [[], ''],
  ])('refuses the stock change %j with a pointer', async (body, pointer) => {
    const item = await world.createSale();
    const path = `/admin/v1/sales/${item.saleId}/items/${item.productId}/stock`;
    const answer = await world.call('POST', path, { body });
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid-request']);
    expect((answer.body as { errors: { pointer: string }[] }).errors[0]?.pointer).toBe(pointer);
  });

  it.each([
    ['limit=0', '/limit'],
    ['limit=101', '/limit'],
    ['limit=ten', '/limit'],
    ['after=no%20id', '/after'],
    ['page=2', ''],
  ])('refuses the page ?%s', async (query, pointer) => {
    for (const list of ['sales', 'parked', 'audit-log']) {
      const answer = await world.call('GET', `/admin/v1/${list}?${query}`);
      expect([list, answer.status]).toEqual([list, 400]);
      expect((answer.body as { errors: { pointer: string }[] }).errors[0]?.pointer).toBe(pointer);
    }
  });

  it('answers 400, 404, 405, 413 and 415 as problems', async () => {
    const created = await world.createSale();
    const stock = `/admin/v1/sales/${created.saleId}/items`;
    const expected = [
      [await world.call('GET', '/admin/v1/sales/a%7Bb'), 400, 'invalid-request'],
      [
        await world.call('POST', `${stock}/${randomId('p')}/stock`, { body: { delta: 1, reason: 'x' } }),
        404,
        'unknown-product',
      ],
      [await world.changeStock(created, 1, { 'idempotency-key': 'short' }), 400, 'invalid-idempotency-key'],
      [await world.call('GET', '/admin/v1/nothing'), 404, 'not-found'],
      [await world.call('DELETE', '/admin/v1/sales'), 405, 'method-not-allowed'],
      [
        await world.call('POST', '/admin/v1/sales', { body: 'x'.repeat(1_048_577) }),
        413,
        'payload-too-large',
      ],
      [
        await world.call('POST', '/admin/v1/sales', {
          body: '{}',
          headers: { 'content-type': 'text/plain' },
        }),
        415,
        'unsupported-media-type',
      ],
      [await world.call('GET', `/admin/v1/sales?after=${randomId('sale')}`), 400, 'invalid-request'],
    ] as const;
    for (const [answer, status, code] of expected)
      expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  it('lists sales and the audit log by cursor, newest first, each once', async () => {
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) made.unshift((await world.createSale()).saleId);
    const seen: string[] = [];
    let next: string | null = '';
    while (next !== null && seen.length < 5) {
      const page = await world.call('GET', `/admin/v1/sales?limit=2${next === '' ? '' : `&after=${next}`}`);
      const body = page.body as { sales: { id: string }[]; next: string | null };
      seen.push(...body.sales.map(({ id }) => id));
      next = body.next;
    }
    expect(seen.slice(0, 5)).toEqual(made);

    const subjects: string[] = [];
    let after = '';
    for (let count = 0; count < 5; count += 1) {
      const page = await world.call(
        'GET',
        `/admin/v1/audit-log?limit=1${after === '' ? '' : `&after=${after}`}`,
      );
      const body = page.body as { entries: { id: string; subject: string }[]; next: string };
      subjects.push(...body.entries.map(({ subject }) => subject));
      after = body.next;
    }
    expect(subjects).toEqual(made);
  });

  it('keeps who changed what, before and after', async () => {
    const created = await world.call('POST', '/admin/v1/sales', { body: saleBody({ stock: 4 }) });
    const sale = created.body as { id: string; items: { productId: string }[] };
    const item = { saleId: sale.id, productId: sale.items[0]?.productId ?? '' };
    await world.act(item, 'open');
    await world.call('POST', `/admin/v1/sales/${item.saleId}/pause`, { key: 'the-key-of-ben-0123456789' });
    await world.changeStock(item, 3, newKey());
    await world.act(item, 'resume');
    await world.act(item, 'open');
    const { body } = await world.call('GET', '/admin/v1/audit-log?limit=5');
    const entries = (body as { entries: { actor: string; action: string; subject: string }[] }).entries;
    expect(entries.reverse()).toMatchObject([
      {
        actor: 'anna',
        action: 'sale.create',
        subject: item.saleId,
        before: null,
        after: { state: 'scheduled' },
      },
      { actor: 'anna', action: 'sale.open', before: { state: 'scheduled' }, after: { state: 'open' } },
      { actor: 'ben', action: 'sale.pause', before: { state: 'open' }, after: { state: 'paused' } },
      {
        action: 'stock.change',
        subject: `${item.saleId}.${item.productId}`,
        before: { initial: 4 },
        after: { initial: 7, delta: 3, reason: 'A count' },
      },
      { action: 'sale.resume', before: { state: 'paused' }, after: { state: 'open' } },
    ]);
  });

  it('lists parked messages with their reason, without body and shoppers', async () => {
    for (const offset of ['7', '8']) {
      await world.dataSource.query(
        `INSERT INTO parked_messages (topic, partition, message_offset, value, headers, reason, order_count, booked)
         VALUES ('orders-accepted.v1', 3, $1, 'garbage', '{"orders":"secret"}', 'the body is not JSON', 2, 2)`,
        [offset],
      );
    }
    const first = await world.call('GET', '/admin/v1/parked?limit=1');
    expect(first.body).toMatchObject({
      messages: [{ offset: '8', reason: 'the body is not JSON', orders: 2, bookedUnits: 2, state: 'parked' }],
    });
    expect(JSON.stringify(first.body)).not.toMatch(/garbage|secret/);
    const { next } = first.body as { next: string };
    const second = await world.call('GET', `/admin/v1/parked?limit=1&after=${next}`);
    expect(second.body).toMatchObject({ messages: [{ offset: '7' }] });
  });

  it('serves Swagger UI, metrics and health on the same listener, without a key', async () => {
    const docs = await fetch(`${await world.app.getUrl()}/docs`);
    expect([docs.status, await docs.text()]).toEqual([
      200,
      expect.stringContaining('Flux-Gate operator API'),
    ]);
    const metrics = await fetch(`${await world.app.getUrl()}/metrics`);
    const text = await metrics.text();
    expect(text).toContain('flux_gate_items_stuck{problem="missing",process="admin"} 0');
    expect(text).toMatch(/flux_parked_messages_waiting\{process="admin"\} \d/);
    expect((await world.call('GET', '/health/live', { key: null })).status).toBe(200);
    const ready = await world.call('GET', '/health/ready', { key: null });
    expect(ready.body).toMatchObject({
      ready: false,
      checks: { postgresql: 'ok', redis: 'ok', kafka: 'failed' },
    });
  });
});
