import {
  decodeItemHeaders,
  decodeItemEvent,
  orderIdsOf,
  ORDERS_ACCEPTED_TOPIC,
  type ItemEvent,
  type ItemRef,
} from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { partitionOf, prefixed, type KafkaMessage } from '@flux/kafka';
import { createLog, Health, Metrics } from '@flux/telemetry';
import {
  asRedisUser,
  connectGate,
  deleteTopics,
  gateConfig,
  opening,
  purchase,
  randomItem,
  readTopic,
  startRedis,
  testKafkaSettings,
  waitUntil,
  type GateClients,
  type RedisServer,
} from '@flux/testing';
import type { INestApplicationContext } from '@nestjs/common';
import { relaySettings } from './relay.config';
import { startRelay } from './start-relay';

jest.setTimeout(120_000);

const settings = testKafkaSettings();
let redis: RedisServer;
let clients: GateClients;
let topic: string;

interface Relay {
  readonly app: INestApplicationContext;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly fatal: unknown[];
}

const relays: Relay[] = [];

async function relay(overrides: Record<string, string> = {}): Promise<Relay> {
  const texts = Object.entries({ ...settings, REDIS_URL: asRedisUser(redis.url, 'relay') }).map(
    ([name, value]) => [name, typeof value === 'boolean' ? (value ? '1' : '0') : String(value)],
  );
  const config = relaySettings.parse({
    ...(Object.fromEntries(texts) as Record<string, string>),
    FLUX_TOPIC_PREFIX: topic.slice(0, -ORDERS_ACCEPTED_TOPIC.length),
    ...overrides,
  });
  const health = new Health();
  const metrics = new Metrics('relay');
  const fatal: unknown[] = [];
  const log = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'relay');
  const app = await startRelay({ config, log, metrics, health, onFatal: (error) => fatal.push(error) });
  const started = { app, health, metrics, fatal };
  relays.push(started);
  return started;
}

/** Opens items and tells the relays of them, as `open` does. */
async function openItems(items: readonly ItemRef[], available = 100_000): Promise<void> {
  for (const item of items) await clients.gate.open(opening(item, { available, perShopperLimit: 100_000 }));
  await clients.outboxes.add(items);
}

/** Accepts that many orders at the real gate; answers their ids in the order of their sequences. */
async function accept(item: ItemRef, orders: number): Promise<string[]> {
  const outcomes = await Promise.all(
    Array.from({ length: orders }, () => clients.gate.reserve(purchase(item))),
  );
  return outcomes.map((outcome) => {
    if (outcome.outcome !== 'accepted') throw new Error(outcome.outcome);
    return outcome.order.orderId;
  });
}

/** Entries as reserve.lua writes them, of one order each, without the gate's work for each order. */
async function writeEntries(item: ItemRef, from: number, count: number): Promise<void> {
  const { outbox } = itemKeys(item);
  const pipeline = redis.client.pipeline();
  for (let sequence = from; sequence < from + count; sequence++) {
    const { orderId, shopperId, quantity, fingerprint } = purchase(item, { shopperId: `s${sequence}` });
    const line = [orderId, shopperId, quantity, fingerprint].join(' ');
    pipeline.xadd(outbox, `1-${sequence}`, 'first', sequence, 'at', Date.now(), 'orders', line);
  }
  await pipeline.exec();
}

async function written(): Promise<readonly KafkaMessage[]> {
  return readTopic(topic);
}

function eventOf(message: KafkaMessage): ItemEvent {
  const decoded = decodeItemEvent(String(message.value));
  if (decoded.outcome !== 'event') throw new Error(decoded.reason);
  return decoded.event;
}

function sequencesOf(messages: readonly KafkaMessage[], { productId }: ItemRef): number[] {
  return messages
    .filter(({ key }) => key === productId)
    .flatMap((message) => {
      const event = eventOf(message);
      return orderIdsOf(event).map((_, index) => event.firstSequence + index);
    });
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** What the relays say they had acknowledged, together. */
async function relayedOrders(): Promise<number> {
  const texts = await Promise.all(relays.map(({ metrics }) => metrics.render()));
  return texts.reduce(
    (sum, { text }) => sum + Number(/^flux_relay_orders_total\{.*\} (\d+)$/m.exec(text)?.[1]),
    0,
  );
}

async function untilRelayed(orders: number): Promise<void> {
  await waitUntil(`${orders} orders are relayed`, async () => (await relayedOrders()) >= orders, {
    timeoutMs: 60_000,
  });
}

beforeAll(async () => {
  redis = await startRedis();
  clients = await connectGate(gateConfig(redis.url));
});

beforeEach(async () => {
  await redis.client.flushall();
  topic = prefixed(settings, `${randomItem().saleId}.${ORDERS_ACCEPTED_TOPIC}`);
});

afterEach(async () => {
  await Promise.all(relays.splice(0).map(({ app }) => app.close()));
});

afterAll(async () => {
  clients.connection.close();
  await redis.remove();
  await deleteTopics(settings.FLUX_TOPIC_PREFIX);
});

describe('the relay', () => {
  it('publishes every entry once, in order, with headers and body that decode', async () => {
    const items = [randomItem(), randomItem(), randomItem()];
    await openItems(items);
    const before = await Promise.all(items.map((item) => accept(item, 150)));
    await relay();
    await untilRelayed(450);
    const after = await Promise.all(items.map((item) => accept(item, 50)));
    await untilRelayed(600);

    const messages = await written();
    for (const [index, item] of items.entries()) {
      const events = messages.filter(({ key }) => key === item.productId).map(eventOf);
      const ids = events.flatMap(orderIdsOf);
      expect(ids).toEqual([...before[index]!, ...after[index]!]);
      expect(sequencesOf(messages, item)).toEqual(upTo(200));
    }
    for (const message of messages) {
      const event = eventOf(message);
      expect(decodeItemHeaders(message.headers)).toEqual({ outcome: 'event', event });
    }
  });

  it("publishes a shopper's wish to cancel where it stands among the orders", async () => {
    const item = randomItem();
    await openItems([item]);
    const shopperId = 'ada';
    const bought = purchase(item, { shopperId });
    expect((await clients.gate.reserve(bought)).outcome).toBe('accepted');
    expect((await clients.gate.cancel(bought)).outcome).toBe('requested');
    const [after] = await accept(item, 1);
    await relay();
    await untilRelayed(2);
    const events = (await written()).map(eventOf);
    expect(events.map(({ type, firstSequence }) => [type, firstSequence])).toEqual([
      ['orders-accepted.v1', 1],
      ['cancel-requested.v1', 2],
      ['orders-accepted.v1', 3],
    ]);
    expect(events[1]).toMatchObject({ orderId: bought.orderId, shopperId, epoch: 1 });
    expect(orderIdsOf(events[2]!)).toEqual([after]);
  });

  it('finds new items within seconds, and puts each on the partition of its product', async () => {
    await relay();
    const items = Array.from({ length: 40 }, randomItem);
    await openItems(items);
    await Promise.all(items.map((item) => accept(item, 3)));
    await untilRelayed(120);
    const messages = await written();
    for (const item of items) expect(sequencesOf(messages, item)).toEqual([1, 2, 3]);
    for (const { key, partition } of messages) expect(partition).toBe(partitionOf(key!, 4));
    expect(new Set(messages.map(({ partition }) => partition)).size).toBe(4);
  });

  it('carries 20,000 small entries of one item, and loses and reorders none', async () => {
    const item = randomItem();
    await clients.outboxes.add([item]);
    for (let from = 1; from < 20_000; from += 5_000) await writeEntries(item, from, 5_000);
    await relay();
    await untilRelayed(20_000);
    expect(sequencesOf(await written(), item)).toEqual(upTo(20_000));
  });

  it('splits what would exceed a record batch', async () => {
    const item = { saleId: 's'.repeat(40), productId: 'p'.repeat(40) };
    await openItems([item]);
    // 100 entries of 64 orders with the longest ids: 2.8 MB that one read finds.
    const shopperIds = Array.from({ length: 6_400 }, (_, index) => String(index).padStart(64, 's'));
    for (let from = 0; from < 6_400; from += 64) {
      const batch = shopperIds.slice(from, from + 64);
      await Promise.all(batch.map((shopperId) => clients.gate.reserve(purchase(item, { shopperId }))));
    }
    await relay();
    await untilRelayed(6_400);
    const messages = await written();
    expect(messages).toHaveLength(100);
    expect(sequencesOf(messages, item)).toEqual(upTo(6_400));
  });

  it('is ready when Redis and Kafka are there, and counts what waits', async () => {
    const item = randomItem();
    await openItems([item]);
    const { health, metrics } = await relay();
    await waitUntil('it is ready', async () => (await health.readiness()).ready);
    await accept(item, 10);
    await untilRelayed(10);
    const { text } = await metrics.render();
    expect(text).toMatch(/^flux_relay_leases\{.*\} 1$/m);
    // Relayed, and not settled by anybody.
    expect(text).toMatch(/^flux_outbox_longest_entries\{.*\} [1-9]/m);
    expect(text).toMatch(/^flux_outbox_oldest_seconds\{.*\} 0\.\d/m);
  });

  it('refuses to relay from a Redis that forgets', async () => {
    await redis.client.config('SET', 'appendfsync', 'everysec');
    const { fatal } = await relay();
    await waitUntil('the process is told', () => fatal.length === 1);
    await redis.client.config('SET', 'appendfsync', 'always');
    expect(String(fatal[0])).toContain('FLUX_DURABILITY=fast');
  });
});

describe('two relays', () => {
  it('hand over without a repeat when the first is stopped', async () => {
    const item = randomItem();
    await openItems([item]);
    const first = await relay();
    await accept(item, 500);
    await untilRelayed(500);
    await relay();
    await first.app.close();
    await accept(item, 100);
    await untilRelayed(600);
    expect(sequencesOf(await written(), item)).toEqual(upTo(600));
  });

  it('only duplicate when both read one outbox; first appearances stay in order', async () => {
    const item = randomItem();
    await clients.outboxes.add([item]);
    await Promise.all([relay(), relay()]);
    for (let from = 1; from < 3_000; from += 500) {
      await writeEntries(item, from, 500);
      // The lease is forgotten: the other relay takes it while the first still believes to have it.
      await redis.client.hdel(itemKeys(item).lease, 'owner', 'until');
    }
    await untilRelayed(3_000);
    await waitUntil('the last is relayed', async () => sequencesOf(await written(), item).includes(3_000));
    const seen = sequencesOf(await written(), item);
    expect([...new Set(seen)]).toEqual(upTo(3_000));
  });

  it('take over from one that was killed, where it had stored its position', async () => {
    const item = randomItem();
    await writeEntries(item, 1, 30);
    const dead = { ...item, owner: 'killed' };
    expect(await clients.outboxes.lease({ ...dead, position: undefined })).toMatchObject({ outcome: 'held' });
    expect(await clients.outboxes.lease({ ...dead, position: '1-20' })).toEqual({
      outcome: 'held',
      position: '1-20',
    });
    await clients.outboxes.add([item]);
    await relay();
    await untilRelayed(10);
    expect(sequencesOf(await written(), item)).toEqual(upTo(30).slice(20));
  });
});
