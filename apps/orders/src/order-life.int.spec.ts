import {
  ORDER_STATUS_TOPIC,
  orderStatusEventSchema,
  type ItemRef,
  type OrderStatusEvent,
} from '@flux/contracts';
import { partitionOf, prefixed, type KafkaSettings } from '@flux/kafka';
import { BatchTransaction, LedgerReader, OrderEventEntity } from '@flux/ledger';
import { createLog, Health, Metrics } from '@flux/telemetry';
import {
  asRedisUser,
  deleteTopics,
  freePort,
  readTopic,
  SaleWorld,
  TcpProxy,
  testKafkaSettings,
  waitUntil,
} from '@flux/testing';
import type { INestMicroservice } from '@nestjs/common';
import { ordersSettings, type OrdersConfig } from './orders.config';
import { startOrders } from './start-orders';

jest.setTimeout(120_000);

const PARTITIONS = 4;

let world: SaleWorld;
let kafka: KafkaSettings;
let reader: LedgerReader;
const apps: INestMicroservice[] = [];

beforeAll(async () => {
  world = await SaleWorld.start();
  reader = new LedgerReader(world.database.dataSource);
});
afterAll(() => world.stop());

beforeEach(() => {
  kafka = testKafkaSettings({ FLUX_KAFKA_PARTITIONS: PARTITIONS });
});
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
  await deleteTopics(kafka.FLUX_TOPIC_PREFIX);
});

interface Orders {
  readonly app: INestMicroservice;
  readonly metrics: Metrics;
}

async function startProcess(changes: Partial<OrdersConfig> = {}): Promise<Orders> {
  const defaults = ordersSettings.parse({
    REDIS_URL: asRedisUser(world.redis.url, 'orders'),
    FLUX_REDIS_COMMAND_TIMEOUT_MS: '10000',
    FLUX_EXPIRY_INTERVAL_MS: '50',
    FLUX_EXPIRY_BATCH: '40',
    FLUX_EVENTS_INTERVAL_MS: '20',
  });
  const metrics = new Metrics('orders');
  const app = await startOrders({
    config: { ...defaults, ...world.database.config, ...kafka, ...changes },
    log: createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'orders'),
    health: new Health(),
    metrics,
    onFatal: (error) => {
      throw error;
    },
  });
  apps.push(app);
  return { app, metrics };
}

interface Held {
  readonly item: ItemRef;
  readonly orderIds: readonly string[];
}

/** Sold out: every unit is held. */
async function held(units: number): Promise<Held> {
  const item = await world.openItem({ stock: units });
  const events = await world.accept(item, units);
  const placed = events.map((event) => ({ event, offset: 0n }));
  const applied = await new BatchTransaction(world.database.dataSource).apply(placed);
  if (applied.outcome === 'refused') throw new Error(applied.reason);
  for (const { settlement } of applied.items) if (settlement) await world.clients.gate.settle(settlement);
  return { item, orderIds: events.flatMap(({ orders }) => orders.map(({ orderId }) => orderId)) };
}

async function runOut({ item }: Held, agoMs = 0): Promise<void> {
  await world.database.dataSource.query(
    "UPDATE orders SET hold_until = now() - $2 * interval '1 millisecond' WHERE sale_id = $1 AND state = 'confirmed'",
    [item.saleId, agoMs],
  );
}

async function everythingReleased({ item, orderIds }: Held): Promise<void> {
  await waitUntil('all units are back at the gate', async () => {
    const gate = await world.clients.gate.readItem(item);
    const { untold } = await untoldOf(item);
    return gate?.available === orderIds.length && untold === 0;
  });
  expect(await reader.ledger(item)).toMatchObject({ held: 0, sold: 0 });
  for (const orderId of orderIds) {
    const read = await world.clients.gate.readOrder(orderId);
    expect(read).toMatchObject({ order: { status: 'expired' } });
  }
}

async function untoldOf({ saleId }: ItemRef): Promise<{ readonly untold: number }> {
  const [row]: { readonly untold: number }[] = await world.database.dataSource.query(
    'SELECT count(*)::integer AS untold FROM orders WHERE sale_id = $1 AND gate_epoch IS NOT NULL',
    [saleId],
  );
  return row!;
}

async function allPublished(): Promise<readonly OrderStatusEvent[]> {
  await waitUntil('the queue is empty', async () => {
    return (await world.database.dataSource.manager.count(OrderEventEntity)) === 0;
  });
  const messages = await readTopic(prefixed(kafka, ORDER_STATUS_TOPIC));
  return messages.map(({ key, value, partition }) => {
    const event = orderStatusEventSchema.parse(JSON.parse(value!.toString()));
    expect([key, partition]).toEqual([event.productId, partitionOf(event.productId, PARTITIONS)]);
    return event;
  });
}

describe('holds that run out', () => {
  it('end in two processes, and their units sell again', async () => {
    const one = await held(200);
    await Promise.all([startProcess(), startProcess()]);
    await runOut(one);
    await everythingReleased(one);
    await world.accept(one.item, 200);
    await expect(world.accept(one.item, 1)).rejects.toThrow('soldOut');
  });

  it('end in a process that comes up ten minutes late', async () => {
    const one = await held(120);
    await runOut(one, 600_000);
    await startProcess();
    await everythingReleased(one);
  });

  it('end although Kafka is not there', async () => {
    const one = await held(10);
    await runOut(one);
    await startProcess({ KAFKA_BROKERS: `127.0.0.1:${await freePort()}` });
    await everythingReleased(one);
  });

  it('end in PostgreSQL while the gate is down, and the gate hears of it once it is back', async () => {
    const proxy = await TcpProxy.start({ host: '127.0.0.1', port: world.redis.port });
    const one = await held(90);
    const { metrics } = await startProcess({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    proxy.set('cut');
    await runOut(one);
    await waitUntil('PostgreSQL has ended them', async () => (await reader.ledger(one.item))?.held === 0);
    expect(await world.clients.gate.readItem(one.item)).toMatchObject({ available: 0 });
    proxy.set('pass');
    await everythingReleased(one);
    const { text } = await metrics.render();
    expect(text).toContain('flux_gate_told_late_total{process="orders"} 90');
    await proxy.stop();
  });
});

describe('order events', () => {
  it('reach Kafka in the order of the changes, from one of two processes, each once', async () => {
    const sales = [await held(50), await held(50)];
    await Promise.all([startProcess(), startProcess()]);
    await Promise.all(sales.map((one) => runOut(one)));
    await Promise.all(sales.map(everythingReleased));
    const events = await allPublished();
    for (const { item, orderIds } of sales) {
      const ofItem = events.filter(({ productId }) => productId === item.productId);
      expect(ofItem.map(({ id }) => id).sort()).toEqual(
        orderIds.flatMap((orderId) => [`${orderId}.confirmed`, `${orderId}.expired`]).sort(),
      );
      for (const orderId of orderIds) {
        const statuses = ofItem.filter((event) => event.orderId === orderId).map(({ status }) => status);
        expect(statuses).toEqual(['confirmed', 'expired']);
      }
    }
  });

  it('wait for Kafka, and go on in another process when one ends', async () => {
    const before = await held(5);
    const [first] = [await startProcess(), await startProcess()];
    await waitUntil('the first are out', async () => (await allPublished()).length === 5);
    await first.app.close();
    const after = await held(5);
    const events = await allPublished();
    expect(events.map(({ orderId }) => orderId).sort()).toEqual(
      [...before.orderIds, ...after.orderIds].sort(),
    );
  });
});
