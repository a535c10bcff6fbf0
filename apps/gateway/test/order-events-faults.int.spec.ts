import type { ItemRef, OrderStatus } from '@flux/contracts';
import { Catalogue, GateClient, GateSubscriber } from '@flux/gate';
import { EventStreams } from '@flux/http';
import { createLog, Metrics } from '@flux/telemetry';
import { gateConfig, purchase, startRedis, TcpProxy, waitUntil } from '@flux/testing';
import { fastify } from 'fastify';
import { OrderEventsMetrics } from '../src/order-events/order-events.metrics';
import { OrderEvents } from '../src/order-events/order-events.service';
import { ShopperStreams } from '../src/order-events/shopper-streams';
import { AbsentOrder } from '../src/orders/absent-order';
import { SaleRoutes } from '../src/orders/sale-routes';
import { SaleDirectory } from '../src/sales/sale-directory';
import { EventReader } from './event-reader';
import { buyOrder, startGateway, useWorld, type PlacedOrder, type TestGateway } from './world';

describe('order events when things go wrong', () => {
  const world = useWorld();

  const follow = ({ orderId, shopper }: PlacedOrder, { base }: Pick<TestGateway, 'base'> = world.gateway) =>
    EventReader.open(`${base}/v1/orders/${orderId}/events`, { 'x-shopper-id': shopper });

  const confirm = (item: ItemRef, { orderId }: PlacedOrder, watermark = 1): Promise<void> =>
    world.shop.settle(item, { watermark, watermarkOrderId: orderId });

  const end = (item: ItemRef, { orderId, shopper }: PlacedOrder, status: OrderStatus): Promise<void> =>
    world.shop.settle(item, {
      states: [{ orderId, status, shopperId: shopper, quantity: 1, changedAtMs: Date.now() }],
    });

  it('tells a stream that is opened at the instant of the settle', async () => {
    const item = await world.shop.open({ stock: 1_000 });
    for (let watermark = 1; watermark <= 100; watermark += 1) {
      const order = await buyOrder(world.gateway, item);
      const [reader] = await Promise.all([follow(order), confirm(item, order, watermark)]);
      await reader.until('confirmed');
      const [, same] = await Promise.all([end(item, order, 'paid'), follow(order)]);
      await Promise.all([reader.untilOver(), same.untilOver()]);
      expect([reader.statuses.at(-1), same.statuses.at(-1)]).toEqual(['paid', 'paid']);
      for (const { statuses } of [reader, same]) expect(new Set(statuses).size).toBe(statuses.length);
    }
  });

  it('misses nothing while the connections to Redis are cut', async () => {
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: world.redis.port });
    const gateway = await startGateway(`redis://127.0.0.1:${proxy.port}`);
    const item = await world.shop.open();
    const [paid, waiting] = [await buyOrder(gateway, item), await buyOrder(gateway, item)];
    const readers = [await follow(paid, gateway), await follow(waiting, gateway)] as const;
    await Promise.all(readers.map((reader) => reader.until('accepted')));
    proxy.set('cut');
    await confirm(item, waiting, 2);
    await end(item, paid, 'paid');
    proxy.set('pass');
    await readers[0].untilOver();
    expect(readers[0].statuses).toEqual(['accepted', 'paid']);
    await readers[1].until('confirmed');
    expect(readers[1].over).toBe(false);
    await end(item, waiting, 'cancelled');
    await readers[1].untilOver();
    expect(readers[1].statuses).toEqual(['accepted', 'confirmed', 'cancelled']);
    await gateway.close();
    await proxy.stop();
  });

  it('answers 503 to a new stream meanwhile, and keeps those that are open', async () => {
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: world.redis.port });
    const gateway = await startGateway(`redis://127.0.0.1:${proxy.port}`, {
      FLUX_REDIS_COMMAND_TIMEOUT_MS: '300',
    });
    const item = await world.shop.open();
    const order = await buyOrder(gateway, item);
    const reader = await follow(order, gateway);
    await reader.until('accepted');
    for (const mode of ['hold', 'cut'] as const) {
      proxy.set(mode);
      const refused = await follow(order, gateway);
      expect(refused.status).toBe(503);
      expect(refused.headers['retry-after']).toMatch(/^[1-3]$/);
    }
    proxy.set('pass');
    await confirm(item, order);
    await reader.until('confirmed');
    expect(reader.statuses).toEqual(['accepted', 'confirmed']);
    await gateway.close();
    await proxy.stop();
  });

  it('answers 503 at shutdown to a request that is not a stream yet, and forgets one whose reader has left', async () => {
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: world.redis.port });
    const gateway = await startGateway(`redis://127.0.0.1:${proxy.port}`, {
      FLUX_REDIS_COMMAND_TIMEOUT_MS: '60000',
    });
    const item = await world.shop.open();
    const order = await buyOrder(gateway, item);
    proxy.set('hold');
    const waiting = async (count: number): Promise<void> => {
      await waitUntil(`${count} requests are under way`, async () => {
        const { text } = await gateway.metrics.render();
        return text.includes(`flux_event_streams{process="gateway"} ${count}`);
      });
    };
    const leaving = new AbortController();
    const left = fetch(`${gateway.base}/v1/orders/${order.orderId}/events`, {
      headers: { 'x-shopper-id': order.shopper },
      signal: leaving.signal,
    });
    const pending = follow(order, gateway);
    await waiting(2);
    leaving.abort();
    await expect(left).rejects.toThrow();
    await waiting(1);
    const startedAtMs = performance.now();
    const [reader] = await Promise.all([pending, gateway.close()]);
    expect(reader.status).toBe(503);
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    expect(gateway.lines.filter((line) => line.includes('"error"'))).toEqual([]);
    await proxy.stop();
  });

  it('misses nothing while the push channel alone is down', async () => {
    const item = await world.shop.open();
    const order = await buyOrder(world.gateway, item);
    const reader = await follow(order);
    await reader.until('accepted');
    // Redis keeps refusing new subscribers: the channel stays down.
    await world.redis.client.call('ACL', 'SETUSER', 'flux-gateway', '-subscribe');
    const list = String(await world.redis.client.client('LIST'));
    for (const line of list.split('\n').filter((text) => text.includes('name=flux-gate-push'))) {
      await world.redis.client.client('KILL', 'ID', /id=(\d+)/.exec(line)?.[1] ?? '');
    }
    await confirm(item, order);
    // A new stream needs no push to be told the present state.
    const other = await buyOrder(world.gateway, item);
    await confirm(item, other, 2);
    const late = await follow(other);
    await late.until('confirmed');
    expect([reader.statuses, late.statuses]).toEqual([['accepted'], ['confirmed']]);
    await world.redis.client.call('ACL', 'SETUSER', 'flux-gateway', '+subscribe');
    await reader.until('confirmed');
    for (const each of [order, other]) await end(item, each, 'paid');
    await Promise.all([reader.untilOver(), late.untilOver()]);
    expect(reader.statuses).toEqual(['accepted', 'confirmed', 'paid']);
  });

  it('sends a reader away whose order the gate has lost, and keeps one whose item waits for its rebuild', async () => {
    const item = await world.shop.open();
    const [lost, kept] = [await buyOrder(world.gateway, item), await buyOrder(world.gateway, item)];
    const readers = [await follow(lost), await follow(kept)] as const;
    await Promise.all(readers.map((reader) => reader.until('accepted')));
    const prefix = `{product:${item.productId}}:${item.saleId}`;
    const record = String(await world.redis.client.hget(`${prefix}:orders`, lost.orderId));
    await world.redis.client.hdel(`${prefix}:orders`, lost.orderId);
    await confirm(item, kept, 2);
    await readers[0].untilOver();
    await readers[1].until('confirmed');
    await world.redis.client.hset(`${prefix}:orders`, lost.orderId, record);
    await world.shop.gate.suspend({ ...item, epoch: 1 });
    await end(item, lost, 'paid');
    expect(readers[1].over).toBe(false);
    readers[1].leave();
  });

  it('tells within a few heartbeats what no push has told', async () => {
    // A push channel that is up and hears nothing, as behind a connection that died unnoticed.
    const elsewhere = await startRedis();
    const push = new GateSubscriber(gateConfig(elsewhere.url));
    const catalogue = new Catalogue(world.shop.connection);
    const streams = new EventStreams({ max: 10, heartbeatMs: 60 });
    const events = new OrderEvents(
      new GateClient(world.shop.connection),
      push,
      streams,
      new ShopperStreams(10),
      new AbsentOrder(new SaleRoutes(catalogue), new SaleDirectory(catalogue)),
      new OrderEventsMetrics(new Metrics('probe'), streams),
      createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'probe'),
    );
    const server = fastify();
    server.get<{ Params: { orderId: string } }>('/:orderId', async ({ params: { orderId } }, reply) => {
      await events.open({ orderId, reader: { kind: 'ticket' }, lastEventId: undefined, reply });
      return reply;
    });
    await server.listen({ port: 0, host: '127.0.0.1' });
    const item = await world.shop.open();
    const order = purchase(item);
    await world.shop.gate.reserve(order);
    const reader = await EventReader.open(`${server.listeningOrigin}/${order.orderId}`);
    await reader.until('accepted');
    await waitUntil('the channel is up', () => push.isUp());
    await world.shop.settle(item, { watermark: 1, watermarkOrderId: order.orderId });
    await reader.until('confirmed');
    expect(reader.comments).toBeGreaterThanOrEqual(4);
    events.beforeApplicationShutdown();
    push.close();
    await server.close();
    await elsewhere.remove();
  });
});
