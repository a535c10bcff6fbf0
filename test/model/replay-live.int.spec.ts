import {
  encodeItemEvent,
  LEDGER_EVENTS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  type ItemRef,
  type OrdersAccepted,
} from '@flux/contracts';
import { BatchProducer, createKafka, partitionOf, prefixed, type KafkaSettings } from '@flux/kafka';
import { LedgerReader, OrderEventQueue } from '@flux/ledger';
import { createLog, Health, Metrics } from '@flux/telemetry';
import {
  createDatabase,
  deleteTopics,
  noteCreation,
  readTopic,
  replayableRows,
  SaleWorld,
  testKafkaSettings,
  waitUntil,
} from '@flux/testing';
import type { INestMicroservice } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { replay, type ReplayReport } from '../../apps/admin/src/replay/replay';
import { ordersSettings } from '../../apps/orders/src/orders.config';
import { startOrders } from '../../apps/orders/src/start-orders';

jest.setTimeout(120_000);

const PARTITIONS = 4;
const PROCESSES = 4;

let world: SaleWorld;
let kafka: KafkaSettings;
let producer: BatchProducer;
let items: readonly ItemRef[];
const apps: INestMicroservice[] = [];

beforeAll(async () => {
  world = await SaleWorld.start();
  kafka = testKafkaSettings({ FLUX_KAFKA_PARTITIONS: PARTITIONS });
  producer = new BatchProducer(createKafka({ settings: kafka, clientId: 'test-relay' }));
  items = [await world.openItem({ stock: 60 }), await world.openItem({ stock: 60 })];
  for (const item of items) await noteCreation(world.database.dataSource, item);
  for (let process = 0; process < PROCESSES; process += 1) apps.push(await startProcess());
});
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await producer.disconnect();
  await deleteTopics(kafka.FLUX_TOPIC_PREFIX);
  await world.stop();
});

async function startProcess(): Promise<INestMicroservice> {
  const defaults = ordersSettings.parse({
    REDIS_URL: world.redis.url,
    FLUX_REDIS_COMMAND_TIMEOUT_MS: '10000',
    FLUX_EVENTS_INTERVAL_MS: '20',
  });
  return startOrders({
    config: { ...defaults, ...world.database.config, ...kafka },
    log: createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'orders'),
    health: new Health(),
    metrics: new Metrics('orders'),
    onFatal: (error) => {
      throw error;
    },
  });
}

/** Bought at the gate and relayed, one message for each event. */
async function sell(units: number): Promise<readonly OrdersAccepted[]> {
  const sold: OrdersAccepted[] = [];
  for (const item of items) {
    const events = await world.accept(item, units);
    const partition = partitionOf(item.productId, PARTITIONS);
    const messages = events.map(encodeItemEvent);
    const topic = prefixed(kafka, ORDERS_ACCEPTED_TOPIC);
    expect(await producer.send({ topic, partition, messages })).toEqual({ outcome: 'acked' });
    sold.push(...events);
  }
  return sold;
}

/** Every order is confirmed, and all of it is published. */
async function atRest(units: number): Promise<void> {
  const { dataSource } = world.database;
  const [reader, queue] = [new LedgerReader(dataSource), new OrderEventQueue(dataSource)];
  await waitUntil('all is committed and published', async () => {
    const rests = await Promise.all(
      items.map(async (item) => {
        const ledger = await reader.ledger(item);
        return ledger?.watermark === units && (await queue.isPublished(item));
      }),
    );
    return rests.every(Boolean);
  });
}

async function replayInto(dataSource: DataSource): Promise<ReplayReport> {
  return replay({
    kafka: createKafka({ settings: kafka, clientId: 'test-replay' }),
    settings: kafka,
    dataSource,
    dryRun: false,
    progress: () => undefined,
  });
}

/** Every row with the transaction that wrote it. */
async function written(): Promise<unknown> {
  const { dataSource } = world.database;
  return Promise.all(
    ['sales', 'items', 'ledger', 'orders'].map((table) =>
      dataSource.query(`SELECT xmin::text, ctid::text, t.* FROM ${table} AS t ORDER BY 1, 2`),
    ),
  );
}

it('changes no row while four processes work on the live database', async () => {
  await sell(30);
  await atRest(30);
  const before = await written();
  expect(await replayInto(world.database.dataSource)).toMatchObject({
    ledger: { applied: 0, stopped: [], unreadable: 0 },
    accepted: { confirmed: 0, rejected: 0, cancelled: 0, parked: 0 },
    unbalanced: [],
  });
  expect(await written()).toEqual(before);
});

it('takes nothing from a sale that goes on beside it, and an empty database becomes equal', async () => {
  const [, live] = await Promise.all([sell(30), replayInto(world.database.dataSource)]);
  expect(live).toMatchObject({ ledger: { applied: 0, stopped: [] }, unbalanced: [] });
  await atRest(60);
  const events = await readTopic(prefixed(kafka, LEDGER_EVENTS_TOPIC));
  expect(events.length).toBeGreaterThan(0);

  const empty = await createDatabase();
  try {
    expect(await replayInto(empty.dataSource)).toMatchObject({
      ledger: { stopped: [], unreadable: 0 },
      accepted: { confirmed: 0, rejected: 0 },
      unbalanced: [],
    });
    expect(await replayableRows(empty.dataSource)).toEqual(await replayableRows(world.database.dataSource));
    expect(await new LedgerReader(empty.dataSource).ledger(items[0]!)).toMatchObject({ held: 60 });
  } finally {
    await empty.drop();
  }
});
