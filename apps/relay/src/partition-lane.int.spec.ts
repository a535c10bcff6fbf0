import { decodeItemEvent, decodeItemHeaders, type ItemRef } from '@flux/contracts';
import { itemKeys, LEASE_MS } from '@flux/gate';
import { BatchProducer, prefixed, type KafkaMessage } from '@flux/kafka';
import { createLog, Metrics } from '@flux/telemetry';
import {
  connectGate,
  createTopic,
  deleteTopics,
  gateConfig,
  kafkaThrough,
  purchase,
  randomItem,
  readTopic,
  startKafkaProxy,
  startRedis,
  testKafkaSettings,
  waitUntil,
  type GateClients,
  type RedisServer,
  type TcpProxy,
} from '@flux/testing';
import { PartitionLane } from './partition-lane';
import { RelayMetrics } from './relay.metrics';

jest.setTimeout(120_000);

const settings = testKafkaSettings();
let redis: RedisServer;
let clients: GateClients;
let proxy: TcpProxy;
let producer: BatchProducer;
let lane: PartitionLane;
let metrics: Metrics;
let topic: string;
let item: ItemRef;

async function writeEntries(from: number, count: number): Promise<void> {
  const pipeline = redis.client.pipeline();
  for (let sequence = from; sequence < from + count; sequence++) {
    const { orderId, shopperId, quantity, fingerprint } = purchase(item);
    const line = [orderId, shopperId, quantity, fingerprint].join(' ');
    pipeline.xadd(
      itemKeys(item).outbox,
      `1-${sequence}`,
      'first',
      sequence,
      'at',
      Date.now(),
      'orders',
      line,
    );
  }
  await pipeline.exec();
}

/** Sequences in the topic, in its order; undefined for what is no event. */
async function sequences(): Promise<(number | undefined)[]> {
  return (await readTopic(topic)).map(sequenceOf);
}

function sequenceOf({ value }: KafkaMessage): number | undefined {
  const decoded = decodeItemEvent(String(value));
  return decoded.outcome === 'event' ? decoded.event.firstSequence : undefined;
}

async function untilRelayed(sequence: number): Promise<void> {
  await waitUntil(`${sequence} is in Kafka`, async () => (await sequences()).includes(sequence), {
    timeoutMs: 60_000,
    everyMs: 200,
  });
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

beforeAll(async () => {
  proxy = await startKafkaProxy();
  producer = new BatchProducer(kafkaThrough(proxy));
});

beforeEach(async () => {
  redis = await startRedis();
  clients = await connectGate(gateConfig(redis.url));
  item = randomItem();
  topic = prefixed(settings, item.productId);
  await createTopic(topic);
  metrics = new Metrics('relay');
  lane = new PartitionLane({
    outboxes: clients.outboxes,
    producer,
    owner: 'test',
    lingerMs: 20,
    topic,
    partition: 0,
    metrics: new RelayMetrics(metrics),
    log: createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'relay'),
  });
  clients.connection.onChange(({ state }) => {
    if (state === 'up') lane.distrust();
  });
});

afterEach(async () => {
  proxy.set('pass');
  await lane.stop();
  clients.connection.close();
  await redis.remove();
});

afterAll(async () => {
  await producer.disconnect();
  await proxy.stop();
  await deleteTopics(settings.FLUX_TOPIC_PREFIX);
});

describe('a lane', () => {
  it('goes on where it was when Kafka comes back', async () => {
    lane.assign([item]);
    await writeEntries(1, 50);
    await untilRelayed(50);
    proxy.set('cut');
    await writeEntries(51, 50);
    await waitUntil('a send has failed', async () => {
      const { text } = await metrics.render();
      return /^flux_relay_failures_total\{.*server="kafka".*\} [1-9]/m.test(text);
    });
    proxy.set('pass');
    await untilRelayed(100);
    const seen = (await sequences()).filter((sequence) => sequence !== undefined);
    expect([...new Set(seen)]).toEqual(upTo(100));
  });

  it('goes on when Redis comes back, and starts over where Redis has lost entries', async () => {
    lane.assign([item]);
    await writeEntries(1, 20);
    await waitUntil('it is leased', () => lane.leased().length === 1);
    await untilRelayed(20);
    const older = await redis.copyData();
    await writeEntries(21, 20);
    await untilRelayed(40);
    await redis.kill();
    // The entries 21 to 40 are forgotten, and their ids are given to other orders.
    await redis.restoreData(older);
    await writeEntries(21, 10);
    await waitUntil('the other orders are in Kafka too', async () => {
      const seen = await sequences();
      return upTo(30)
        .slice(20)
        .every((sequence) => seen.filter((one) => one === sequence).length >= 2);
    });
  });

  it('sends an entry that the gate did not write on to be parked, and the others around it', async () => {
    const { outbox } = itemKeys(item);
    await writeEntries(1, 1);
    await redis.client.xadd(outbox, '1-2', 'hello', 'x'.repeat(1_500_000));
    await redis.client.xadd(outbox, '1-7', 'first', '1', 'at', '0', 'orders', 'not an order');
    await writeEntries(8, 1);
    lane.assign([item]);
    await untilRelayed(8);
    const messages = await readTopic(topic);
    expect(messages.map(sequenceOf)).toEqual([1, undefined, undefined, 8]);
    for (const { key, headers, value } of messages.slice(1, 3)) {
      expect(key).toBe(item.productId);
      expect(headers).toMatchObject({
        sale: item.saleId,
        product: item.productId,
        'outbox-entry': expect.stringMatching(/^1-[27]$/) as string,
      });
      expect(decodeItemHeaders(headers).outcome).toBe('unreadable');
      expect(value?.length).toBeLessThanOrEqual(256 * 1_024);
    }
  });

  it('lets go of an item that is finished, and takes it again', async () => {
    lane.assign([item]);
    await writeEntries(1, 5);
    await untilRelayed(5);
    lane.assign([]);
    expect(lane.leased()).toEqual([]);
    lane.assign([item]);
    await writeEntries(6, 5);
    await untilRelayed(10);
  });

  it('keeps its lease for longer than it lasts, and gives it up with its position when it stops', async () => {
    lane.assign([item]);
    await writeEntries(1, 5);
    await untilRelayed(5);
    const startedAt = Date.now();
    await waitUntil('a lease would have run out', () => Date.now() - startedAt > LEASE_MS + 1_000);
    const other = { ...item, owner: 'other', position: undefined };
    expect(await clients.outboxes.lease(other)).toMatchObject({ outcome: 'taken' });
    await lane.stop();
    expect(await clients.outboxes.lease(other)).toEqual({ outcome: 'held', position: '1-5' });
  });
});
