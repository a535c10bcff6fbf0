import {
  encodeItemEvent,
  LEDGER_EVENTS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
  type ItemEvent,
  type ItemRef,
  type LedgerEvent,
} from '@flux/contracts';
import {
  BatchProducer,
  createKafka,
  ensureTopics,
  partitionOf,
  prefixed,
  type KafkaSettings,
} from '@flux/kafka';
import {
  BatchTransaction,
  Cancellations,
  Holds,
  noteChange,
  OrderEventQueue,
  Parking,
  TellGate,
} from '@flux/ledger';
import {
  acceptedEvent,
  backUp,
  cancelEvent,
  createDatabase,
  deleteTopics,
  gateConfig,
  connectGate,
  insertSale,
  noteCreation,
  replayableRows,
  startRedis,
  testKafkaSettings,
  withAdmin,
  type GateClients,
  type RedisServer,
  type TestDatabase,
} from '@flux/testing';
import type { DataSource } from 'typeorm';
import { runReplayCommand } from './replay-command';

jest.setTimeout(120_000);

const PARTITIONS = 2;

let kafka: KafkaSettings;
let producer: BatchProducer;
let redis: RedisServer;
let clients: GateClients;
let live: TestDatabase;
let items: ItemRef[];
/** Offsets that the orders processes would have committed. */
const consumed = new Map<number, number>();
const restored: TestDatabase[] = [];

/** A backup of the live database, as it was when it was made. */
let backup: TestDatabase;

beforeAll(async () => {
  kafka = testKafkaSettings({ FLUX_KAFKA_PARTITIONS: PARTITIONS });
  const client = createKafka({ settings: kafka, clientId: 'test' });
  const topics = [ORDERS_ACCEPTED_TOPIC, LEDGER_EVENTS_TOPIC];
  await ensureTopics({ kafka: client, settings: kafka, topics, keptForEver: [LEDGER_EVENTS_TOPIC] });
  producer = new BatchProducer(client);
  [redis, live] = await Promise.all([startRedis(), createDatabase()]);
  clients = await connectGate(gateConfig(redis.url));
  await sell();
});
afterAll(async () => {
  await producer.disconnect();
  clients.connection.close();
  await deleteTopics(kafka.FLUX_TOPIC_PREFIX);
  for (const database of [...restored, backup, live]) await database.drop();
  await redis.remove();
});

/** Two items whose messages are interleaved; a backup is made in the middle, and the last messages get no ledger event. */
async function sell(): Promise<void> {
  const { dataSource } = live;
  items = await insertSale(dataSource, [{ stock: 100 }, { stock: 100 }]);
  await noteCreation(dataSource, items[0]!);
  const first = items.map((item) => acceptedEvent({ item, orders: 5 }));
  await consume(first);
  await park(items[0]!, 6);
  await publish();
  backup = await backUp(live.dataSource);
  await consume(
    items.flatMap((item, index) => [
      cancelEvent({ item, order: first[index]!.orders[1]!, sequence: 8 }),
      acceptedEvent({ item, firstSequence: 9, orders: 5 }),
    ]),
  );
  const tellGate = new TellGate(dataSource, clients.gate);
  const cancellations = new Cancellations(dataSource, tellGate);
  for (const { orders } of first) await cancellations.cancel({ orderId: orders[0]!.orderId, reason: 'no' });
  await dataSource.query('UPDATE orders SET hold_until = now() WHERE order_id = $1', [
    first[0]!.orders[2]!.orderId,
  ]);
  await new Holds(dataSource).expireDue(10);
  const next = consumed.get(partitionOf(items[1]!.productId, PARTITIONS)) ?? 0;
  await dataSource.transaction(async (manager) => {
    await manager.query(
      'UPDATE ledger SET epoch = 2, epoch_offset = $2, watermark = 0 WHERE product_id = $1',
      [items[1]!.productId, next - 1],
    );
    await noteChange(manager, items[1]!, { causes: ['epochRaised'] });
  });
  await publish();
  // What was committed in the last moment, and not published any more.
  await consume([
    acceptedEvent({ item: items[0]!, firstSequence: 14, orders: 3 }),
    acceptedEvent({ item: items[1]!, epoch: 2, orders: 3 }),
    // Too late for its epoch: refused then, and so again.
    acceptedEvent({ item: items[1]!, epoch: 1, firstSequence: 14, orders: 2 }),
  ]);
  await park(items[1]!, 60);
}

/** As relay and orders process do. */
async function consume(events: readonly ItemEvent[]): Promise<void> {
  const batches = new BatchTransaction(live.dataSource);
  for (const event of events) {
    const { partition, offset } = await send(event);
    expect(await batches.apply([{ event, offset: BigInt(offset) }])).toMatchObject({ outcome: 'applied' });
    consumed.set(partition, offset + 1);
  }
}

async function send(event: ItemEvent, value?: string): Promise<{ partition: number; offset: number }> {
  const topic = prefixed(kafka, ORDERS_ACCEPTED_TOPIC);
  const partition = partitionOf(event.productId, PARTITIONS);
  const message = encodeItemEvent(event);
  const messages = [{ ...message, value: value ?? message.value }];
  expect(await producer.send({ topic, partition, messages })).toEqual({ outcome: 'acked' });
  return { partition, offset: consumed.get(partition) ?? 0 };
}

async function park(item: ItemRef, firstSequence: number): Promise<void> {
  const event = acceptedEvent({ item, firstSequence, orders: 2, epoch: item === items[1] ? 2 : 1 });
  const { partition, offset } = await send(event, '{ half');
  const { key, headers } = encodeItemEvent(event);
  const message = {
    topic: prefixed(kafka, ORDERS_ACCEPTED_TOPIC),
    partition,
    offset: BigInt(offset),
    key,
    headers,
  };
  const parking = new Parking(live.dataSource);
  expect(
    await parking.park({ ...message, value: Buffer.from('{ half') }, 'the body is not JSON'),
  ).toMatchObject({
    outcome: 'booked',
  });
  consumed.set(partition, offset + 1);
}

async function publish(): Promise<void> {
  const queue = new OrderEventQueue(live.dataSource);
  const ledger = async (events: readonly LedgerEvent[]): Promise<void> => {
    const topic = prefixed(kafka, LEDGER_EVENTS_TOPIC);
    for (const event of events) {
      const { productId: key } = event;
      const messages = [{ key, value: JSON.stringify(event), headers: {} }];
      const sent = await producer.send({ topic, partition: partitionOf(key, PARTITIONS), messages });
      expect(sent).toEqual({ outcome: 'acked' });
    }
  };
  // The first send is repeated, as by a publisher that died before it could say so.
  await queue.publishLedger(ledger);
  const again = new OrderEventQueue(live.dataSource);
  while ((await again.publish({ statuses: () => Promise.resolve(), ledger })).more);
}

async function commitOffsets(): Promise<void> {
  await withAdmin((admin) =>
    admin.setOffsets({
      groupId: prefixed(kafka, ORDERS_CONSUMER_GROUP),
      topic: prefixed(kafka, ORDERS_ACCEPTED_TOPIC),
      partitions: [...consumed].map(([partition, offset]) => ({ partition, offset: String(offset) })),
    }),
  );
}

async function restore(from?: TestDatabase): Promise<TestDatabase> {
  const database = from === undefined ? await createDatabase() : await backUp(from.dataSource);
  restored.push(database);
  return database;
}

async function run({ config }: TestDatabase, ...args: readonly string[]) {
  const printed: string[] = [];
  const complained: string[] = [];
  const status = await runReplayCommand(args, {
    env: {
      KAFKA_BROKERS: kafka.KAFKA_BROKERS,
      FLUX_TOPIC_PREFIX: kafka.FLUX_TOPIC_PREFIX,
      DATABASE_URL: config.DATABASE_URL,
    },
    print: (text) => printed.push(text),
    complain: (text) => complained.push(text),
  });
  return { status, printed: printed.join('\n'), complained: complained.join('\n') };
}

/** Orders by what matters to their shoppers; when they were confirmed differs where that was not published any more. */
async function orders(dataSource: DataSource): Promise<unknown> {
  return dataSource.query(
    `SELECT order_id, shopper_id, quantity, state, reason, booked, epoch, sequence, fingerprint, accepted_at,
            history IS NULL AS is_first, cancel_epoch, cancel_sequence FROM orders ORDER BY order_id`,
  );
}

async function counters(dataSource: DataSource): Promise<unknown> {
  return dataSource.query(
    'SELECT product_id, initial, held, sold, parked, epoch, epoch_offset, watermark, watermark_order_id, ahead FROM ledger ORDER BY product_id',
  );
}

async function messages(dataSource: DataSource): Promise<unknown> {
  return dataSource.query(
    'SELECT partition, message_offset, key, value, headers, reason, sale_id, order_count, booked, state FROM parked_messages ORDER BY partition, message_offset',
  );
}

async function expectEqual({ dataSource }: TestDatabase): Promise<void> {
  expect(await orders(dataSource)).toEqual(await orders(live.dataSource));
  expect(await counters(dataSource)).toEqual(await counters(live.dataSource));
  expect(await messages(dataSource)).toEqual(await messages(live.dataSource));
}

describe('npm run replay', () => {
  it('reads all accepted orders where the group has committed nothing', async () => {
    const database = await restore();
    expect(await run(database)).toMatchObject({ status: 0, complained: '' });
    await expectEqual(database);
  });

  it('brings an older backup forward: everything that was accepted is there, once', async () => {
    await commitOffsets();
    const database = await restore(backup);
    const dry = await run(database, '--dry-run');
    expect(dry).toMatchObject({ status: 0, complained: '' });
    expect(dry.printed).toMatch(/accepted +\d+ messages in [\d.]+ s: 8 orders, 0 rejected/);
    expect(await replayableRows(database.dataSource)).toEqual(await replayableRows(backup.dataSource));

    const { printed, ...rest } = await run(database);
    expect(rest).toEqual({ status: 0, complained: '' });
    expect(printed).toMatch(
      /accepted +\d+ messages in [\d.]+ s: 6 orders confirmed, 2 rejected, 0 cancelled/,
    );
    await expectEqual(database);
    expect(
      await database.dataSource.query("SELECT actor, after FROM audit_log WHERE action = 'database.replay'"),
    ).toEqual([{ actor: 'npm run replay', after: { transactions: 8, confirmed: 6 } }]);
  });

  it('brings an empty database back, and changes nothing the second time', async () => {
    const database = await restore();
    expect((await run(database)).status).toBe(0);
    await expectEqual(database);
    const rows = await replayableRows(database.dataSource);
    const again = await run(database);
    expect(again.status).toBe(0);
    expect(again.printed).toMatch(/0 transactions came back/);
    expect(again.printed).toMatch(/0 orders confirmed, 0 rejected, 0 cancelled/);
    expect(await replayableRows(database.dataSource)).toEqual(rows);
    // Message ids go on behind those that came back.
    await database.dataSource.query(
      `INSERT INTO parked_messages (topic, partition, message_offset, headers, reason) VALUES ('t', 0, 0, '{}', 'r')`,
    );
  });

  it('changes no row of the live database', async () => {
    const before = await replayableRows(live.dataSource);
    expect((await run(live)).status).toBe(0);
    expect(await replayableRows(live.dataSource)).toEqual(before);
  });

  it('says which item did not come back, and what to do', async () => {
    const database = await restore(backup);
    await database.dataSource.transaction((manager) => noteChange(manager, items[0]!, {}));
    const { status, printed } = await run(database);
    expect(status).toBe(1);
    expect(printed).toContain(`left       ${items[0]!.saleId}.${items[0]!.productId}: version`);
    expect(printed).toContain('stop orders and admin, restore the backup again and replay first');
  });

  it('says what is wrong with its options, and where it cannot run', async () => {
    expect(await run(live, '--nonsense')).toMatchObject({ status: 2 });
    expect((await run(live, '--help')).printed).toContain('usage: npm run replay');
    const bare = await createDatabase({ migrated: false });
    restored.push(bare);
    expect(await run(bare)).toMatchObject({
      status: 2,
      complained: expect.stringContaining('npm run migrate') as string,
    });
  });
});
