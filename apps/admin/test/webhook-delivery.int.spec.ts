import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type OrderStatusEvent, orderStatusEventSchema } from '@flux/contracts';
import { OrderEventQueue, WebhookDeliveryEntity } from '@flux/ledger';
import { waitUntil } from '@flux/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { MaintenanceLoop } from '../src/maintenance/maintenance.loop';
import { Deliveries } from '../src/webhooks/deliveries.repository';
import { WebhookDelivery } from '../src/webhooks/webhook-delivery.service';
import { AdminWorld, codeOf } from './admin.world';
import { OrderLife } from './order-life';
import { SELF_SIGNED } from './self-signed';
import { PRICE, ShopBackend, money } from './shop-backend';
import { WebhookReceiver, newEvent } from './webhook-receiver';

jest.setTimeout(90_000);

interface Endpoint {
  readonly id: string;
  readonly secret: string;
}

describe('deliveries to the shop', () => {
  let world: AdminWorld;
  const receivers: WebhookReceiver[] = [];
  beforeAll(async () => {
    world = await AdminWorld.start({ settings: { FLUX_WEBHOOK_ALLOW: '127.0.0.1' } });
  });
  afterEach(async () => {
    await world.dataSource.query('UPDATE webhook_endpoints SET removed_at = now() WHERE removed_at IS NULL');
    for (const receiver of receivers.splice(0)) await receiver.stop();
  });
  afterAll(() => world.stop());

  async function receiver(): Promise<WebhookReceiver> {
    const made = await WebhookReceiver.start();
    receivers.push(made);
    return made;
  }

  async function register(url: string): Promise<Endpoint> {
    const answer = await world.call('POST', '/admin/v1/webhooks', { body: { url } });
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    return answer.body as Endpoint;
  }

  /** As the publisher of order events writes it. */
  async function enqueue({ id }: Endpoint, count = 1): Promise<readonly OrderStatusEvent[]> {
    const events = Array.from({ length: count }, newEvent);
    await world.dataSource.manager.insert(
      WebhookDeliveryEntity,
      events.map((event) => ({ endpointId: id, event })),
    );
    return events;
  }

  const deliver = (app: NestFastifyApplication = world.app) => app.get(WebhookDelivery).deliverDue();
  const rowsOf = ({ id }: Endpoint): Promise<WebhookDeliveryEntity[]> =>
    world.dataSource.manager.find(WebhookDeliveryEntity, { where: { endpointId: id }, order: { id: 'ASC' } });
  const onlyRow = async (endpoint: Endpoint): Promise<WebhookDeliveryEntity> => {
    const [row, ...more] = await rowsOf(endpoint);
    if (row === undefined || more.length > 0) throw new Error('there is not one delivery');
    return row;
  };
  /** The row of the only delivery once an attempt has failed. */
  const failed = (endpoint: Endpoint, attempts = 1) =>
    waitUntil('the attempt is noted', async () => {
      const row = await onlyRow(endpoint);
      return row.attempts === attempts && row.lastFailure !== null && row;
    });
  const delivered = (endpoint: Endpoint) =>
    waitUntil('everything is delivered', async () =>
      (await rowsOf(endpoint)).every(({ state }) => state === 'delivered'),
    );
  const makeDue = ({ id }: Endpoint) =>
    world.dataSource.query(
      "UPDATE webhook_deliveries SET next_at = now(), last_failure = NULL WHERE endpoint_id = $1 AND state = 'pending'",
      [id],
    );

  it('are the events as they are, signed, once each', async () => {
    const shop = await receiver();
    const endpoint = await register(shop.url);
    const events = await enqueue(endpoint, 100);
    await deliver();
    await delivered(endpoint);
    const received = shop.events(endpoint.secret);
    const byId = (list: readonly OrderStatusEvent[]) => [...list].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(byId(received)).toEqual(byId(events));
    for (const { headers, body, path } of shop.received) {
      expect(path).toBe('/hook');
      expect(headers['content-type']).toBe('application/json');
      expect(headers['webhook-id']).toBe((JSON.parse(body) as OrderStatusEvent).id);
      expect(Math.abs(Number(headers['webhook-timestamp']) * 1_000 - Date.now())).toBeLessThan(60_000);
    }
  });

  it("begin with the ledger's own events, in every state that an order goes through", async () => {
    const shop = await receiver();
    const endpoint = await register(shop.url);
    const life = new OrderLife(world);
    const orderId = await life.confirmed(await world.openSale(5), { quantity: 2 });
    const paid = await new ShopBackend(world).pay(
      orderId,
      money({ paymentId: 'pi_7', amountMinor: 2 * PRICE }),
    );
    expect(paid.status).toBe(200);
    const queue = new OrderEventQueue(world.dataSource);
    const sent = (): Promise<void> => Promise.resolve();
    const publish = async () => queue.publish({ statuses: sent, ledger: sent });
    await waitUntil('all is published', async () => !(await publish()).more);
    await deliver();
    await delivered(endpoint);
    const events = shop.events(endpoint.secret).filter((event) => event.orderId === orderId);
    const byStatus = new Map(events.map((event) => [event.status, event]));
    expect([...byStatus.keys()].sort()).toEqual(['confirmed', 'paid']);
    expect(orderStatusEventSchema.parse(byStatus.get('paid'))).toMatchObject({
      paymentId: 'pi_7',
      quantity: 2,
    });
  });

  it('are sent by the maintenance loop, until it stops', async () => {
    const shop = await receiver();
    const endpoint = await register(shop.url);
    const app = await world.addProcess();
    app.get(MaintenanceLoop).start();
    try {
      await enqueue(endpoint);
      await delivered(endpoint);
    } finally {
      await app.get(MaintenanceLoop).stop();
    }
    expect(shop.received).toHaveLength(1);
  });

  it('are sent by one process only, where several look', async () => {
    const shop = await receiver();
    const endpoint = await register(shop.url);
    await enqueue(endpoint, 60);
    const other = await world.addProcess();
    await Promise.all([deliver(), deliver(other), deliver(), deliver(other)]);
    await delivered(endpoint);
    expect(shop.received).toHaveLength(60);
    expect(new Set(shop.received.map(({ headers }) => headers['webhook-id'])).size).toBe(60);
  });

  it('carry two signatures during a rotation', async () => {
    const shop = await receiver();
    const endpoint = await register(shop.url);
    const rotated = await world.call('POST', `/admin/v1/webhooks/${endpoint.id}/secret`);
    await enqueue(endpoint);
    await deliver();
    await delivered(endpoint);
    expect(shop.events(endpoint.secret)).toHaveLength(1);
    expect(shop.events((rotated.body as Endpoint).secret)).toHaveLength(1);
    expect(String(shop.received[0]?.headers['webhook-signature']).split(' ')).toHaveLength(2);
  });

  it.each([
    [500, 'answered 500'],
    [404, 'answered 404'],
    [301, 'answered 301'],
    [307, 'answered 307'],
  ])('come again after %i, with a growing pause, and follow no redirect', async (status, failure) => {
    const shop = await receiver();
    shop.status = status;
    const endpoint = await register(shop.url);
    await enqueue(endpoint);
    const pauses: number[] = [];
    for (let attempts = 1; attempts <= 4; attempts += 1) {
      await deliver();
      const row = await failed(endpoint, attempts);
      expect(row).toMatchObject({ state: 'pending', lastFailure: failure });
      pauses.push(row.nextAt.getTime() - Date.now());
      await deliver();
      expect(shop.received).toHaveLength(attempts);
      await makeDue(endpoint);
    }
    // 5, 10, 20, 40 s, each between its half and its whole.
    pauses.forEach((pauseMs, index) => {
      expect(pauseMs).toBeGreaterThan(2_500 * 2 ** index - 2_000);
      expect(pauseMs).toBeLessThanOrEqual(5_000 * 2 ** index);
    });
    expect(shop.received.every(({ path }) => path === '/hook')).toBe(true);
    shop.status = 200;
    await deliver();
    await delivered(endpoint);
    const ids = new Set(shop.received.map(({ headers }) => headers['webhook-id']));
    expect(ids.size).toBe(1);
  });

  it('are parked after a day, and sent again when an operator says so', async () => {
    const shop = await receiver();
    shop.status = 503;
    const endpoint = await register(shop.url);
    const [event] = await enqueue(endpoint);
    await world.dataSource.query(
      "UPDATE webhook_deliveries SET created_at = now() - interval '24 hours' WHERE endpoint_id = $1",
      [endpoint.id],
    );
    await deliver();
    expect((await failed(endpoint)).state).toBe('parked');
    const path = `/admin/v1/webhooks/${endpoint.id}/deliveries`;
    const page = await world.call('GET', path);
    expect(page.body).toMatchObject({
      deliveries: [{ state: 'parked', event, attempts: 1, lastFailure: 'answered 503' }],
      next: null,
    });
    const { id } = await onlyRow(endpoint);
    shop.status = 204;
    const retried = await world.call('POST', `${path}/${id}/retry`);
    expect(retried).toMatchObject({ status: 200, body: { id, state: 'pending', attempts: 0 } });
    await deliver();
    await delivered(endpoint);
    expect(await world.call('POST', `${path}/${id}/retry`)).toMatchObject({
      status: 200,
      body: { id, state: 'delivered' },
    });
    const unknown = await world.call('POST', `${path}/999999999/retry`);
    expect([unknown.status, codeOf(unknown)]).toEqual([404, 'not-found']);
    expect((await world.call('GET', path)).body).toEqual({ deliveries: [], next: null });
    const audit = (await world.call('GET', '/admin/v1/audit-log?limit=1')).body;
    expect(audit).toMatchObject({ entries: [{ action: 'webhook.retry', subject: endpoint.id }] });
  });

  it('that are parked are listed by page, newest first', async () => {
    const endpoint = await register((await receiver()).url);
    await enqueue(endpoint, 3);
    await world.dataSource.query("UPDATE webhook_deliveries SET state = 'parked' WHERE endpoint_id = $1", [
      endpoint.id,
    ]);
    const seen: string[] = [];
    let after: string | null = '';
    while (after !== null) {
      const query: string = after === '' ? '' : `&after=${after}`;
      const page = await world.call('GET', `/admin/v1/webhooks/${endpoint.id}/deliveries?limit=2${query}`);
      const body = page.body as { deliveries: { id: string }[]; next: string | null };
      seen.push(...body.deliveries.map(({ id }) => id));
      after = body.next;
    }
    expect(seen).toEqual((await rowsOf(endpoint)).map(({ id }) => id).reverse());
  });

  it('end where the endpoint answers 410, or is removed', async () => {
    const shop = await receiver();
    shop.status = 410;
    const endpoint = await register(shop.url);
    await enqueue(endpoint, 40);
    await deliver();
    await waitUntil('the endpoint is removed', async () => {
      const { body } = await world.call('GET', '/admin/v1/webhooks');
      return !JSON.stringify(body).includes(endpoint.id);
    });
    // What was taken before that may still have been sent.
    await waitUntil('its lane ends', async () => {
      const sent = shop.received.length;
      await deliver();
      return (await rowsOf(endpoint)).length === 40 && shop.received.length === sent;
    });
    expect(shop.received.length).toBeLessThanOrEqual(32);
    await world.app.get(Deliveries).prune();
    expect(await rowsOf(endpoint)).toEqual([]);
    const { body } = await world.call('GET', '/admin/v1/audit-log?limit=1');
    expect(body).toMatchObject({
      entries: [{ actor: 'system', action: 'webhook.remove', after: { reason: 'answered 410' } }],
    });
  });

  it('are held up by no endpoint that does not answer', async () => {
    const slow = await receiver();
    slow.status = 'never';
    const slowEndpoint = await register(slow.url);
    const quick = await receiver();
    const quickEndpoint = await register(quick.url);
    await enqueue(slowEndpoint, 100);
    await deliver();
    await waitUntil('the slow one has what it takes at once', () => slow.received.length >= 8);
    await enqueue(quickEndpoint, 100);
    await deliver();
    await delivered(quickEndpoint);
    // Eight at a time, and none of them answered yet.
    expect(slow.received).toHaveLength(8);
    expect(quick.received).toHaveLength(100);
  });

  it('that a stopping process had under way are due again at once', async () => {
    const shop = await receiver();
    shop.status = 'never';
    const endpoint = await register(shop.url);
    await enqueue(endpoint, 20);
    const leaving = await world.addProcess();
    await deliver(leaving);
    await waitUntil('some are under way', () => shop.received.length === 8);
    await leaving.get(WebhookDelivery).onModuleDestroy();
    const rows = await rowsOf(endpoint);
    expect(rows.map(({ attempts, state }) => [attempts, state])).toEqual(rows.map(() => [0, 'pending']));
    shop.status = 200;
    await deliver();
    await delivered(endpoint);
  });

  it('that a process died with are due again when its claim has run out', async () => {
    const endpoint = await register((await receiver()).url);
    await enqueue(endpoint);
    const deliveries = world.app.get(Deliveries);
    expect(await deliveries.claim(endpoint.id, 10)).toHaveLength(1);
    expect(await deliveries.claim(endpoint.id, 10)).toEqual([]);
    expect(await deliveries.dueEndpoints()).toEqual([]);
    const { nextAt } = await onlyRow(endpoint);
    expect(nextAt.getTime() - Date.now()).toBeLessThan(125_000);
    await makeDue(endpoint);
    expect(await deliveries.claim(endpoint.id, 10)).toMatchObject([{ attempts: 2 }]);
  });

  it('are kept for a week, and parked ones for a month', async () => {
    const endpoint = await register((await receiver()).url);
    await enqueue(endpoint, 5);
    const ages = [
      ['delivered', '8 days'],
      ['delivered', '6 days'],
      ['parked', '31 days'],
      ['parked', '29 days'],
      ['pending', '40 days'],
    ] as const;
    const rows = await rowsOf(endpoint);
    for (const [index, [state, age]] of ages.entries()) {
      await world.dataSource.query(
        `UPDATE webhook_deliveries SET state = $2, done_at = now() - $3::interval, next_at = now() - $3::interval
         WHERE id = $1`,
        [rows[index]?.id, state, age],
      );
    }
    await world.app.get(Deliveries).prune();
    const left = await rowsOf(endpoint);
    expect(left.map(({ id }) => id)).toEqual([rows[1]?.id, rows[3]?.id, rows[4]?.id]);
  });

  it('go nowhere else when an address stops being allowed after registration', async () => {
    const shop = await receiver();
    const endpoint = await register(shop.url);
    await world.dataSource.query('UPDATE webhook_endpoints SET url = $2 WHERE id = $1', [
      endpoint.id,
      `http://127.0.0.2:${shop.port}/hook`,
    ]);
    await enqueue(endpoint);
    await deliver();
    expect((await failed(endpoint)).lastFailure).toBe('the address must lead to public addresses only');
    expect(shop.received).toEqual([]);
  });

  it('trust no certificate that nobody vouches for', async () => {
    const requests: string[] = [];
    const server = createTlsServer(SELF_SIGNED, (request, response) => {
      requests.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const endpoint = await register(`https://127.0.0.1:${(server.address() as AddressInfo).port}/hook`);
      await enqueue(endpoint);
      await deliver();
      expect((await failed(endpoint)).lastFailure).toMatch(/^(DEPTH_ZERO_)?SELF_SIGNED_CERT/);
      expect(requests).toEqual([]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('name a failure of the connection', async () => {
    const shop = await receiver();
    const endpoint = await register(shop.url);
    await shop.stop();
    receivers.length = 0;
    await enqueue(endpoint);
    await deliver();
    expect((await failed(endpoint)).lastFailure).toBe('ECONNREFUSED');
  });

  it('are counted', async () => {
    const metrics = await (await fetch(`${await world.app.getUrl()}/metrics`)).text();
    const lines = metrics.split('\n').filter((line) => line.startsWith('flux_webhook_attempts_total'));
    expect(lines.find((line) => line.includes('delivered'))).toMatch(/ [1-9]\d*$/);
    expect(lines.find((line) => line.includes('parked'))).toMatch(/ 1$/);
    expect(lines.find((line) => line.includes('gone'))).toMatch(/ [1-9]\d*$/);
  });
});
