import type { ItemRef, OrderAnswer, OrderStatus } from '@flux/contracts';
import { parseTokenKeys, Tokens } from '@flux/tokens';
import { waitUntil } from '@flux/testing';
import { EventReader } from './event-reader';
import {
  buyOrder,
  codeOf,
  randomId,
  startGateway,
  useWorld,
  type PlacedOrder,
  type TestGateway,
} from './world';

const KEYS = 'k1:a-token-secret-of-thirty-two-bytes-or-more';
const TICKET_MS = 600_000;

describe('GET /v1/orders/:orderId/events', () => {
  const world = useWorld({ FLUX_TOKEN_KEYS: KEYS });
  const tokens = (keys = KEYS, now?: () => number) => new Tokens(parseTokenKeys(keys) ?? [], now);

  interface Bought extends PlacedOrder {
    readonly item: ItemRef;
  }

  async function bought(gateway: TestGateway = world.gateway): Promise<Bought> {
    const item = await world.shop.open();
    return { item, ...(await buyOrder(gateway, item)) };
  }

  async function eventsUrlOf({ orderId, shopper }: PlacedOrder, { base } = world.gateway): Promise<string> {
    const answer = await fetch(`${base}/v1/orders/${orderId}`, { headers: { 'x-shopper-id': shopper } });
    const { eventsUrl } = (await answer.json()) as OrderAnswer;
    return `${base}${String(eventsUrl)}`;
  }

  const confirm = ({ item, orderId }: Bought): Promise<void> =>
    world.shop.settle(item, { watermark: 1, watermarkOrderId: orderId });

  const end = ({ item, orderId, shopper }: Bought, status: OrderStatus): Promise<void> =>
    world.shop.settle(item, {
      states: [{ orderId, status, shopperId: shopper, quantity: 1, changedAtMs: Date.now() }],
    });

  it('tells the present state at once, then each change once, and ends after a final one', async () => {
    const order = await bought();
    const reader = await EventReader.open(await eventsUrlOf(order));
    expect(reader.status).toBe(200);
    expect(reader.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(reader.headers['cache-control']).toBe('no-store');
    expect(reader.headers['x-accel-buffering']).toBe('no');
    expect(reader.headers['x-request-id']).toMatch(/^[\w-]+$/);
    await reader.until('accepted');
    expect(reader.retryMs).toBeGreaterThanOrEqual(1_000);
    expect(reader.events).toEqual([
      {
        type: 'status',
        id: `accepted-${Date.parse(order.answer.acceptedAt)}`,
        data: { ...order.answer, updatedAt: order.answer.acceptedAt },
      },
    ]);
    await confirm(order);
    await reader.until('confirmed');
    await end(order, 'expired');
    await reader.untilOver();
    expect(reader.statuses).toEqual(['accepted', 'confirmed', 'expired']);
    const [, confirmed, expired] = reader.events;
    expect(confirmed?.id).toBe(`confirmed-${Date.parse(String(confirmed?.data.updatedAt))}`);
    expect(Date.parse(String(confirmed?.data.holdUntil))).toBe(
      Date.parse(String(confirmed?.data.updatedAt)) + 600_000,
    );
    expect(Object.keys(expired?.data ?? {})).not.toContain('holdUntil');
    expect(reader.events.map(({ data }) => data.eventsUrl)).toEqual([undefined, undefined, undefined]);
  });

  it('tells a reader that comes back only what is new, and sends it away with 204 after the end', async () => {
    const order = await bought();
    const url = await eventsUrlOf(order);
    const first = await EventReader.open(url);
    await first.until('accepted');
    const same = await EventReader.open(url, { 'last-event-id': first.lastId });
    expect(same.status).toBe(200);
    await waitUntil('it is told when to come back', () => same.retryMs !== undefined);
    first.leave();
    await confirm(order);
    const back = await EventReader.open(url, { 'last-event-id': first.lastId });
    await back.until('confirmed');
    await same.until('confirmed');
    expect([back.statuses, same.statuses]).toEqual([['confirmed'], ['confirmed']]);
    back.leave();
    await end(order, 'paid');
    await same.untilOver();
    const late = await EventReader.open(url, { 'last-event-id': back.lastId });
    await late.untilOver();
    expect([late.status, late.statuses]).toEqual([200, ['paid']]);
    const last = await EventReader.open(url, { 'last-event-id': late.lastId });
    await last.untilOver();
    expect([last.status, last.events]).toEqual([204, []]);
    expect(last.headers['cache-control']).toBe('no-store');
    // Ended, then paid late: that is news again.
    const unaware = await EventReader.open(url, { 'last-event-id': 'expired-1' });
    await unaware.untilOver();
    expect(unaware.statuses).toEqual(['paid']);
  });

  it("takes a shopper's own headers in place of the ticket, and tells others 404", async () => {
    const { orderId, shopper } = await bought();
    const url = `${world.gateway.base}/v1/orders/${orderId}/events`;
    const reader = await EventReader.open(url, { 'x-shopper-id': shopper });
    await reader.until('accepted');
    reader.leave();
    const stranger = await fetch(url, { headers: { 'x-shopper-id': randomId('shopper') } });
    expect(stranger.status).toBe(404);
    expect(await codeOf(stranger)).toBe('unknown-order');
    expect(await codeOf(await fetch(url))).toBe('unauthenticated');
  });

  it('answers 404 to an order that is not there, 409 to an archived one, 503 while its item is missing', async () => {
    const missing = await bought();
    await world.redis.client.del(`{product:${missing.item.productId}}:${missing.item.saleId}:item`);
    const retired = await world.shop.open({ state: 'retired' });
    const orderIdIn = ({ saleId, productId }: ItemRef) => `${saleId}.${productId}.${'x'.repeat(22)}`;
    for (const [orderId, code] of [
      [orderIdIn(await world.shop.open()), 'unknown-order'],
      ['no-order-id', 'unknown-order'],
      [orderIdIn(retired), 'sale-closed'],
      [missing.orderId, 'not-ready'],
    ]) {
      const answer = await fetch(`${world.gateway.base}/v1/orders/${String(orderId)}/events`, {
        headers: { 'x-shopper-id': missing.shopper },
      });
      expect(await codeOf(answer)).toBe(code);
    }
  });

  it.each<readonly [string, (order: Bought) => string]>([
    ['for another order', ({ item }) => ticketFor(`${item.saleId}.${item.productId}.${'x'.repeat(22)}`)],
    [
      'that has expired',
      ({ orderId }) =>
        ticketFor(
          orderId,
          tokens(KEYS, () => Date.now() - TICKET_MS - 6_000),
        ),
    ],
    ['of another type', ({ orderId }) => ticketFor(orderId, tokens(), 'pass')],
    ['with another secret', ({ orderId }) => ticketFor(orderId, tokens(KEYS.replace('secret', 'sekret')))],
    ['with an unknown key', ({ orderId }) => ticketFor(orderId, tokens(KEYS.replace('k1', 'k2')))],
    ['that is cut', ({ orderId }) => ticketFor(orderId).slice(0, -4)],
    ['that is empty', () => ''],
    ['that is no ticket', () => '..%2f..%2fetc'],
    ['that is sent twice', ({ orderId }) => `${ticketFor(orderId)}&ticket=${ticketFor(orderId)}`],
  ])('answers 401 to a ticket %s, whatever the headers say', async (_name, ticketOf) => {
    const order = await bought();
    const answer = await fetch(
      `${world.gateway.base}/v1/orders/${order.orderId}/events?ticket=${ticketOf(order)}`,
      { headers: { 'x-shopper-id': order.shopper } },
    );
    expect(answer.status).toBe(401);
    expect(await codeOf(answer)).toBe('unauthenticated');
  });

  function ticketFor(orderId: string, signer = tokens(), type = 'order-events'): string {
    return signer.sign({ type, fields: [orderId], lifetimeMs: TICKET_MS });
  }

  it("takes another gateway's tickets where the keys are shared, also while they are rotated", async () => {
    const order = await bought();
    const rotated = await startGateway(world.redis.url, {
      FLUX_TOKEN_KEYS: `k2:another-secret-of-thirty-two-bytes-or-more,${KEYS}`,
    });
    const alone = await startGateway(world.redis.url);
    const path = new URL(await eventsUrlOf(order)).href.slice(world.gateway.base.length);
    const reader = await EventReader.open(`${rotated.base}${path}`);
    await reader.until('accepted');
    reader.leave();
    expect(await codeOf(await fetch(`${alone.base}${path}`))).toBe('unauthenticated');
    const own = await EventReader.open(await eventsUrlOf(order, alone));
    await own.until('accepted');
    await Promise.all([rotated.close(), alone.close()]);
  });

  it('answers HEAD like GET and keeps nothing open', async () => {
    const url = await eventsUrlOf(await bought());
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    await waitUntil('no stream is open', async () => (await openStreams(world.gateway)) === 0);
  });

  async function openStreams({ metrics }: TestGateway): Promise<number> {
    const { text } = await metrics.render();
    return Number(/^flux_event_streams\{.*\} (\d+)$/m.exec(text)?.[1]);
  }

  it('works across origins', async () => {
    const gateway = await startGateway(world.redis.url, { FLUX_CORS_ORIGINS: 'https://shop.example' });
    const reader = await EventReader.open(await eventsUrlOf(await bought(), gateway), {
      origin: 'https://shop.example',
    });
    expect(reader.headers['access-control-allow-origin']).toBe('https://shop.example');
    const preflight = await fetch(`${gateway.base}/v1/orders/x/events`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'last-event-id,authorization',
      },
    });
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/Last-Event-ID/);
    await gateway.close();
  });

  it('keeps at most so many streams, 10 of an order, and has room again when they end', async () => {
    const gateway = await startGateway(world.redis.url, {
      FLUX_TOKEN_KEYS: KEYS,
      FLUX_EVENT_STREAMS: '12',
    });
    const [one, other] = [await bought(gateway), await bought(gateway)];
    const urls = { one: await eventsUrlOf(one, gateway), other: await eventsUrlOf(other, gateway) };
    const opened = await Promise.all(Array.from({ length: 11 }, () => EventReader.open(urls.one)));
    expect(opened.map(({ status }) => status).sort()).toEqual([...Array<number>(10).fill(200), 429]);
    const limited = await fetch(urls.one);
    expect(limited.headers.get('retry-after')).toMatch(/^[1-3]$/);
    expect(await codeOf(limited)).toBe('rate-limited');

    const others = [await EventReader.open(urls.other), await EventReader.open(urls.other)];
    const full = await fetch(urls.other);
    expect(full.status).toBe(503);
    expect(full.headers.get('retry-after')).toMatch(/^[1-3]$/);
    expect(await codeOf(full)).toBe('temporarily-unavailable');

    opened.find(({ status }) => status === 200)?.leave();
    await waitUntil('there is room', async () => (await openStreams(gateway)) === 11);
    others.push(await EventReader.open(urls.other));
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200]);
    await end(one, 'paid');
    await waitUntil('ended streams are gone', async () => (await openStreams(gateway)) === 3);
    // A request that is refused takes no room.
    for (let round = 0; round < 20; round += 1) {
      await fetch(`${gateway.base}/v1/orders/${other.orderId}/events`, {
        headers: { 'x-shopper-id': 'eve' },
      });
    }
    expect(await openStreams(gateway)).toBe(3);
    const { text } = await gateway.metrics.render();
    expect(text).toMatch(/^flux_event_streams_ended_total\{reason="refused",.*\} 20$/m);
    expect(text).toMatch(/^flux_event_streams_ended_total\{reason="left",.*\} 1$/m);
    expect(text).toMatch(/^flux_event_streams_ended_total\{reason="done",.*\} 9$/m);
    await gateway.close();
  });

  it('ends every stream at shutdown, also one that does not read, and is not held up', async () => {
    const gateway = await startGateway(world.redis.url, { FLUX_TOKEN_KEYS: KEYS });
    const order = await bought(gateway);
    const url = await eventsUrlOf(order, gateway);
    const readers = await Promise.all(Array.from({ length: 5 }, () => EventReader.open(url)));
    await Promise.all(readers.map((reader) => reader.until('accepted')));
    readers[0]?.pause();
    const startedAtMs = performance.now();
    await gateway.close();
    // Well below the 30 s after which a silent connection ends by itself.
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    await Promise.all(readers.slice(1).map((reader) => reader.untilOver()));
  });

  it('writes no ticket to its log, its metrics or an error', async () => {
    const gateway = await startGateway(world.redis.url, {
      FLUX_TOKEN_KEYS: KEYS,
      FLUX_LOG_LEVEL: 'trace',
      FLUX_EVENT_STREAMS: '1',
    });
    const order = await bought(gateway);
    const url = await eventsUrlOf(order, gateway);
    const ticket = url.slice(url.indexOf('=') + 1);
    const reader = await EventReader.open(url);
    await reader.until('accepted');
    const told: string[] = [];
    for (const address of [
      url,
      `${url}x`,
      url.replace('/events', '/event'),
      url.replace('/events', ''),
      `${url}${'x'.repeat(2_048)}`,
      url.replace(order.orderId, 'x'),
      url.replace('/events', '/events%zz'),
    ]) {
      const answer = await fetch(address);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      told.push(await answer.text(), JSON.stringify([...answer.headers]));
    }
    told.push(await (await fetch(url, { method: 'POST' })).text());
    await end(order, 'paid');
    await reader.untilOver();
    await gateway.close();
    const { text } = await gateway.metrics.render();
    // How long a reader stays is no answer time; how long a refusal takes is one.
    const measured = (status: number): RegExp =>
      new RegExp(`^flux_http_request_seconds_count\\{.*/:orderId/events",status="${status}"`, 'm');
    expect(text).not.toMatch(measured(200));
    expect(text).toMatch(measured(401));
    expect(gateway.lines.length).toBeGreaterThan(0);
    // What is signed, in whatever cut: key id, type and expiry are at the beginning, the signature at the end.
    for (const part of [ticket.slice(0, 40), ticket.slice(-40)]) {
      expect(gateway.lines.join('') + text + told.join('')).not.toContain(part);
    }
  });
});
