import {
  encodeItemEvent,
  ORDERS_ACCEPTED_TOPIC,
  type ItemRef,
  type OrdersAccepted,
  ORDERS_CONSUMER_GROUP,
} from '@flux/contracts';
import { BatchProducer, createKafka, partitionOf, prefixed, type KafkaSettings } from '@flux/kafka';
import { BatchTransaction, LedgerReader } from '@flux/ledger';
import { createLog, Health, Metrics } from '@flux/telemetry';
import {
  asRedisUser,
  createTopic,
  deleteTopics,
  readTopic,
  SaleWorld,
  TcpProxy,
  testKafkaSettings,
  waitUntil,
  withAdmin,
} from '@flux/testing';
import type { INestMicroservice } from '@nestjs/common';
import { ordersSettings, type OrdersConfig } from './orders.config';
import { startOrders } from './start-orders';

jest.setTimeout(120_000);

const PARTITIONS = 4;

let world: SaleWorld;
let kafka: KafkaSettings;
let topic: string;
let producer: BatchProducer;
let reader: LedgerReader;

beforeAll(async () => {
  world = await SaleWorld.start();
  reader = new LedgerReader(world.database.dataSource);
});
afterAll(() => world.stop());

beforeEach(async () => {
  kafka = testKafkaSettings({ FLUX_KAFKA_PARTITIONS: PARTITIONS });
  topic = prefixed(kafka, ORDERS_ACCEPTED_TOPIC);
  await createTopic(topic, PARTITIONS);
  producer = new BatchProducer(createKafka({ settings: kafka, clientId: 'test-relay' }));
});
afterEach(async () => {
  await producer.disconnect();
  await deleteTopics(kafka.FLUX_TOPIC_PREFIX);
});

interface Orders {
  readonly app: INestMicroservice;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly fatal: unknown[];
}

function configOf(changes: Partial<OrdersConfig> = {}): OrdersConfig {
  const defaults = ordersSettings.parse({
    REDIS_URL: asRedisUser(world.redis.url, 'orders'),
    FLUX_REDIS_COMMAND_TIMEOUT_MS: '10000',
    FLUX_SWEEP_INTERVAL_MS: '50',
    FLUX_SWEEP_AGE_MS: '0',
  });
  return { ...defaults, ...world.database.config, ...kafka, ...changes };
}

/** Everything of a process but its own operating system process. */
async function startProcess(changes: Partial<OrdersConfig> = {}, health = new Health()): Promise<Orders> {
  const fatal: unknown[] = [];
  const telemetry = { health, metrics: new Metrics('orders') };
  const log = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'orders');
  const config = configOf(changes);
  const app = await startOrders({ ...telemetry, log, config, onFatal: (error) => fatal.push(error) });
  return { app, ...telemetry, fatal };
}

type Message = ReturnType<typeof encodeItemEvent>;

async function send(item: ItemRef, messages: readonly Message[]): Promise<void> {
  const partition = partitionOf(item.productId, PARTITIONS);
  const sent = await producer.send({ topic, partition, messages });
  expect(sent).toEqual({ outcome: 'acked' });
}

async function settled(item: ItemRef, watermark: number): Promise<void> {
  await waitUntil(`the gate has heard of ${watermark} orders`, async () => {
    const gate = await world.clients.gate.readItem(item);
    return gate?.watermark === watermark && gate.outboxLength === 0;
  });
}

/** Marks the outbox as a relay does whose sends Kafka has acknowledged. */
async function relayed(item: ItemRef): Promise<void> {
  const owner = 'test-relay';
  await world.clients.outboxes.lease({ ...item, owner, position: undefined });
  const entries = await world.clients.outboxes.read(item, { after: '0-0', count: 1_000 });
  await world.clients.outboxes.lease({ ...item, owner, position: entries.at(-1)!.id });
}

async function committedOffsets(): Promise<number> {
  return withAdmin(async (admin) => {
    const [answer] = await admin.fetchOffsets({
      groupId: prefixed(kafka, ORDERS_CONSUMER_GROUP),
      topics: [topic],
    });
    return answer!.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  });
}

async function acceptOneByOne(item: ItemRef, count: number): Promise<OrdersAccepted[]> {
  const events: OrdersAccepted[] = [];
  for (let index = 0; index < count; index += 1) events.push(...(await world.accept(item, 1)));
  return events;
}

describe('the consumer', () => {
  it('brings orders from Kafka to the ledger and back to the gate, in two processes, then commits', async () => {
    const items = [await world.openItem({ stock: 100 }), await world.openItem({ stock: 100 })];
    const orders = await Promise.all([startProcess(), startProcess()]);
    for (const item of items) {
      const events = await world.accept(item, 100);
      // Twice: relays may duplicate.
      for (let copy = 0; copy < 2; copy += 1) await send(item, events.map(encodeItemEvent));
    }
    for (const item of items) await settled(item, 100);
    for (const item of items) expect(await reader.ledger(item)).toMatchObject({ held: 100, watermark: 100 });
    const sent = (await readTopic(topic)).length;
    await waitUntil('the offsets are committed', async () => (await committedOffsets()) === sent);
    // A rebalance may still be under way.
    for (const { health } of orders) {
      await waitUntil('the process is ready', async () => (await health.readiness()).ready);
    }
    await Promise.all(orders.map(({ app }) => app.close()));
    expect(orders.flatMap(({ fatal }) => fatal)).toEqual([]);
  });

  it('finds the poison in a batch, parks it with a booking and confirms its neighbours', async () => {
    const item = await world.openItem({ stock: 50 });
    const events = await acceptOneByOne(item, 30);
    const messages = events.map(encodeItemEvent);
    messages[11] = { ...messages[11]!, value: 'not json' };
    messages[12] = { ...messages[12]!, value: 'garbage', headers: {} };
    await send(item, messages);
    const { app } = await startProcess();
    await waitUntil('all messages are through', async () => (await committedOffsets()) === 30);

    const statuses = await world.statuses(events);
    expect(statuses.filter((status) => status === 'confirmed')).toHaveLength(11);
    expect(await reader.order(events[11]!.orders[0]!.orderId)).toMatchObject({ state: 'parked', booked: 1 });
    expect(await reader.order(events[12]!.orders[0]!.orderId)).toBeUndefined();
    expect(await reader.ledger(item)).toMatchObject({ held: 28, parked: 1, watermark: 12 });
    const parked = await reader.parkedMessages({ limit: 10 });
    expect(parked.map(({ reason, booked }) => [reason, booked])).toEqual([
      ['the body is not JSON', 0],
      ['the body is not JSON', 1],
    ]);

    // The one without headers could not be booked. A relay has sent it, so the sweeper brings it again.
    await relayed(item);
    await settled(item, 30);
    expect(await world.statuses(events)).toEqual(
      events.map((_, index) => (index === 11 ? 'accepted' : 'confirmed')),
    );
    await app.close();
  });

  it('commits what is in flight before it ends, and the next process repeats nothing', async () => {
    const item = await world.openItem({ stock: 300 });
    const events = await acceptOneByOne(item, 300);
    const first = await startProcess();
    await send(item, events.map(encodeItemEvent));
    await waitUntil('some orders are in the ledger', async () => (await reader.ledger(item))!.held > 0);
    await first.app.close();
    const applied = (await reader.ledger(item))!.watermark;
    expect(await committedOffsets()).toBe(applied);
    expect((await world.clients.gate.readItem(item))!.watermark).toBe(applied);

    const second = await startProcess();
    await settled(item, 300);
    const { text } = await second.metrics.render();
    expect(text).toMatch(/flux_orders_repeated_total\{[^}]*\} 0\n/);
    await second.app.close();
  });

  it('is alive and not ready while PostgreSQL is not there, and begins when it comes', async () => {
    const url = new URL(world.database.config.DATABASE_URL);
    const proxy = await TcpProxy.start({ host: url.hostname, port: Number(url.port) });
    proxy.set('cut');
    url.host = `127.0.0.1:${proxy.port}`;
    const item = await world.openItem({ stock: 5 });
    const events = await world.accept(item, 5);
    await send(item, events.map(encodeItemEvent));

    const health = new Health();
    const starting = startProcess({ DATABASE_URL: url.href }, health);
    await waitUntil('the process is alive', async () => 'postgres' in (await health.readiness()).checks);
    expect(await health.readiness()).toMatchObject({ ready: false, checks: { postgres: 'failed' } });
    proxy.set('pass');
    const { app } = await starting;
    await settled(item, 5);
    proxy.set('cut');
    expect(await health.readiness()).toMatchObject({
      ready: false,
      checks: { postgres: 'failed', redis: 'ok' },
    });
    const [more] = await world.accept(await world.openItem({ stock: 1 }), 1);
    await send(more!, [encodeItemEvent(more!)]);
    proxy.set('pass');
    await settled(more!, 1);
    const parked = await reader.parkedMessages({ limit: 100 });
    expect(parked.filter(({ topic: of }) => of === topic)).toEqual([]);
    await app.close();
    await proxy.stop();
  });
});

describe('the sweeper', () => {
  it('settles what the ledger has, without Kafka', async () => {
    const item = await world.openItem({ stock: 2, gateStock: 5 });
    const events = await world.accept(item, 5);
    await new BatchTransaction(world.database.dataSource).apply(
      events.map((event) => ({ event, offset: 0n })),
    );
    expect(new Set(await world.statuses(events))).toEqual(new Set(['accepted']));
    const { app } = await startProcess();
    await settled(item, 5);
    expect((await world.statuses(events)).sort()).toEqual([
      ...['confirmed', 'confirmed'],
      ...['rejected', 'rejected', 'rejected'],
    ]);
    expect(await readTopic(topic)).toEqual([]);
    await app.close();
  });

  it('sends again what Kafka has lost, once, and leaves alone what no relay has sent', async () => {
    const lost = await world.openItem({ stock: 10 });
    const waiting = await world.openItem({ stock: 10 });
    const events = await acceptOneByOne(lost, 3);
    await world.accept(waiting, 2);
    await relayed(lost);
    // The middle one arrived.
    await send(lost, [encodeItemEvent(events[1]!)]);
    const orders = await Promise.all([startProcess(), startProcess()]);
    await settled(lost, 3);
    expect(await world.statuses(events)).toEqual(['confirmed', 'confirmed', 'confirmed']);
    const sent = (await readTopic(topic)).map(
      ({ value }) => (JSON.parse(String(value)) as OrdersAccepted).firstSequence,
    );
    expect(sent).toEqual([2, 1, 3]);
    expect(await reader.ledger(waiting)).toMatchObject({ held: 0 });
    expect((await world.clients.gate.readItem(waiting))!.outboxLength).toBe(1);
    await Promise.all(orders.map(({ app }) => app.close()));
  });

  it('brings a lost wish to cancel again, and a wish together with its lost order', async () => {
    const item = await world.openItem({ stock: 10 });
    const events = await acceptOneByOne(item, 2);
    const wishes = [
      await world.cancel(item, events[0]!.orders[0]!),
      await world.cancel(item, events[1]!.orders[0]!),
    ];
    await relayed(item);
    // The first order arrived, and the second's wish, which meets no order.
    await send(item, [encodeItemEvent(events[0]!), encodeItemEvent(wishes[1]!)]);
    const { app } = await startProcess();
    await settled(item, 4);
    expect(await world.statuses(events)).toEqual(['cancelled', 'cancelled']);
    expect(await reader.ledger(item)).toMatchObject({ held: 0, watermark: 4 });
    const sent = (await readTopic(topic)).map(
      ({ value }) => (JSON.parse(String(value)) as OrdersAccepted).firstSequence,
    );
    expect(sent).toEqual([1, 4, 2, 3, 4]);
    await waitUntil('the units are back', async () => {
      return (await world.clients.gate.readItem(item))?.available === 10;
    });
    await app.close();
  });

  it('suspends an item whose outbox has lost what the ledger has and the gate has not settled', async () => {
    const item = await world.openItem({ stock: 10 });
    const events = await acceptOneByOne(item, 3);
    await new BatchTransaction(world.database.dataSource).apply(
      events.map((event) => ({ event, offset: 0n })),
    );
    await world.redis.client.xdel(`{product:${item.productId}}:${item.saleId}:outbox`, '1-1');
    const { app } = await startProcess();
    await waitUntil(
      'the item is suspended',
      async () => (await world.clients.gate.readItem(item))?.state === 'suspended',
    );
    expect(await reader.ledger(item)).toMatchObject({
      suspendedReason: 'the outbox lacks what is not settled',
    });
    await app.close();
  });

  it('never multiplies a backlog that the group has not reached', async () => {
    const item = await world.openItem({ stock: 10 });
    const events = await acceptOneByOne(item, 3);
    await relayed(item);
    await send(item, events.map(encodeItemEvent));
    const holder = world.database.dataSource.createQueryRunner();
    await holder.startTransaction();
    await holder.query('SELECT 1 FROM ledger WHERE sale_id = $1 FOR UPDATE', [item.saleId]);
    const { app, metrics } = await startProcess({ FLUX_DATABASE_LOCK_TIMEOUT_MS: 100 });
    await waitUntil('the batch has been tried several times', async () => {
      const { text } = await metrics.render();
      return Number(/flux_batch_retries_total\{[^}]*\} (\d+)/.exec(text)?.[1]) >= 4;
    });
    await holder.rollbackTransaction();
    await holder.release();
    await settled(item, 3);
    expect(await readTopic(topic)).toHaveLength(3);
    await app.close();
  });

  it('suspends an item whose gate has gone back in time, although nobody buys', async () => {
    const item = await world.openItem({ stock: 10 });
    const events = await world.accept(item, 2);
    await new BatchTransaction(world.database.dataSource).apply(
      events.map((event) => ({ event, offset: 0n })),
    );
    await world.redis.client.del(`{product:${item.productId}}:${item.saleId}:outbox`);
    await world.redis.client.hset(`{product:${item.productId}}:${item.saleId}:item`, 'sequence', 0);
    const { app } = await startProcess();
    await waitUntil(
      'the item is suspended',
      async () => (await world.clients.gate.readItem(item))?.state === 'suspended',
    );
    expect(await reader.ledger(item)).toMatchObject({ suspendedReason: 'the gate is behind the ledger' });
    await app.close();
  });
});
