import type { ItemRef, LedgerEvent } from '@flux/contracts';
import {
  BatchTransaction,
  noteChange,
  Parking,
  ParkingResolution,
  Suspensions,
  type UnprocessableMessage,
} from '@flux/ledger';
import {
  acceptedEvent,
  cancelEvent,
  createDatabase,
  kafkaMessage,
  noteCreation,
  queuedLedgerEvents,
  randomPassId,
  replayableRows,
  replayInto,
  type TestDatabase,
} from '@flux/testing';
import { renameShoppers } from '../src/forget-rows';
import { LifeWorld, RemoteProcess, type LifeProcess } from './life-world';

jest.setTimeout(120_000);

let world: LifeWorld;
let shop: LifeProcess;
let remote: RemoteProcess;
let item: ItemRef;
let other: ItemRef;
let events: readonly LedgerEvent[];
const databases: TestDatabase[] = [];

/** One of each: all that can happen to an order, of two items at once. */
beforeAll(async () => {
  world = await LifeWorld.start();
  shop = await world.process();
  item = await world.sale.openItem({ stock: 20 });
  other = await world.sale.openItem({ stock: 20 });
  for (const each of [item, other]) await noteCreation(world.sale.database.dataSource, each);
  await lives(item);
  await lives(other);
  await parkedMessages();
  await pendingPayment();
  await epochs();
  await forgotten();
  events = await queuedLedgerEvents(world.sale.database.dataSource);
});
afterAll(async () => {
  for (const database of databases) await database.drop();
  await world.stop();
  await remote.proxy.stop();
});

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  databases.push(database);
  return database;
}

async function lives(sold: ItemRef): Promise<void> {
  const orderIds = await world.buy(sold, [
    { quantity: 2 },
    { passId: randomPassId() },
    { shopperId: 'gus', passId: randomPassId() },
    ...[{}, {}, {}, {}],
  ]);
  const [paid, cancelled, late, lateAgain, ...expired] = orderIds as [string, string, string, string];
  await shop.payments.pay(await world.paymentFor(paid));
  // Money that came twice goes back.
  await shop.payments.pay(await world.paymentFor(paid));
  await shop.cancellations.cancel({ orderId: cancelled, reason: 'the "shop"\nsaid so' });
  await world.runOut([late, lateAgain]);
  await shop.expire();
  const payment = await world.paymentFor(late);
  await shop.payments.pay(payment);
  await shop.payments.noteRefund({ ...payment, reason: 'the buyer asked' });
  await shop.payments.refundFailed(payment.paymentId);
  await shop.payments.refundDone(payment.paymentId);
  // A wish to cancel, met and unmet, and one that came with its order.
  const [accepted] = await world.sale.accept(sold, [{}, { shopperId: 'wishful' }]);
  const wish = await world.sale.cancel(sold, accepted!.orders[1]!);
  await world.apply([accepted!, wish]);
  const second = await world.sale.accept(sold, [{}]);
  await world.apply(second);
  await world.apply([await world.sale.cancel(sold, second[0]!.orders[0]!)]);
  expect(expired).toHaveLength(3);
}

/** It came late while the gate could not be asked for its unit. */
async function pendingPayment(): Promise<void> {
  const [orderId] = (await world.buy(item, [{}])) as [string];
  await world.runOut([orderId]);
  await shop.expire();
  remote = await RemoteProcess.start(world);
  await remote.cut();
  const paid = await remote.process.payments.pay(await world.paymentFor(orderId));
  expect(paid).toMatchObject({ outcome: 'pending' });
  await remote.mend();
}

async function parkedMessages(): Promise<void> {
  const { dataSource } = world.sale.database;
  const parking = new Parking(dataSource);
  const resolution = new ParkingResolution(dataSource, shop.tellGate, shop.clients.gate);
  const park = async (sequence: number, offset: bigint): Promise<void> => {
    const event = acceptedEvent({
      item,
      firstSequence: sequence,
      orders: [{ quantity: 2, passId: randomPassId() }, {}],
    });
    const { topic, partition, key, headers } = kafkaMessage(event);
    const message: UnprocessableMessage = {
      ...{ topic, partition, offset, key, headers },
      value: Buffer.from('{ half'),
    };
    expect(await parking.park(message, 'not JSON')).toMatchObject({ outcome: 'booked' });
  };
  await park(101, 501n);
  await park(103, 502n);
  await park(105, 503n);
  const rows: { readonly id: string }[] = await dataSource.query(
    'SELECT id FROM parked_messages ORDER BY id',
  );
  expect(await resolution.retry(rows[0]!.id)).toMatchObject({ outcome: 'retried', waiting: 0 });
  expect(await resolution.discard(rows[1]!.id, 'ada')).toMatchObject({ outcome: 'discarded', cancelled: 2 });
}

/** As a rebuild raises it; then an order of the old epoch comes too late and is accepted anew. */
async function epochs(): Promise<void> {
  const { dataSource } = world.sale.database;
  await new Suspensions(dataSource).suspend({ ...other, epoch: 1 }, 'Redis went back in time');
  await dataSource.transaction(async (manager) => {
    await manager.query(
      `UPDATE ledger SET epoch = 2, epoch_offset = 9, watermark = 0, watermark_order_id = '', ahead = '[]',
              suspended_reason = NULL WHERE sale_id = $1`,
      [other.saleId],
    );
    await noteChange(manager, other, { causes: ['epochRaised', 'resumed'] });
  });
  const batches = new BatchTransaction(dataSource);
  const late = acceptedEvent({ item: other, firstSequence: 90, orders: 3 });
  await batches.apply([{ event: late, offset: 10n }]);
  const anew = late.orders.slice(0, 2).map((order) => ({ ...order, passId: randomPassId() }));
  const again = { ...late, epoch: 2, firstSequence: 1, orders: anew };
  const ahead = acceptedEvent({ item: other, epoch: 2, firstSequence: 5, orders: 2 });
  const wish = cancelEvent({ item: other, order: late.orders[1]!, sequence: 3, epoch: 2 });
  const unmet = cancelEvent({ item: other, order: late.orders[2]!, sequence: 4, epoch: 1 });
  await batches.apply(
    [again, ahead, wish, unmet].map((event, index) => ({ event, offset: BigInt(11 + index) })),
  );
}

/** With his name goes the pass that he had. */
async function forgotten(): Promise<void> {
  const pseudonyms = new Map([['gus', `forgotten-${'g'.repeat(22)}`]]);
  await world.sale.database.dataSource.transaction((manager) =>
    renameShoppers(manager, other.saleId, pseudonyms),
  );
}

it('writes an empty database equal to the lost one, table by table', async () => {
  const { dataSource } = await emptyDatabase();
  const expected = await replayableRows(world.sale.database.dataSource);
  for (const [table, rows] of Object.entries(expected)) {
    if (table !== 'stock_changes') expect([table, rows.length > 0]).toEqual([table, true]);
  }
  const replayed = await replayInto(dataSource, events);
  expect(replayed).toEqual({ applied: events.length, known: 0, stopped: [] });
  expect(await replayableRows(dataSource)).toEqual(expected);
  const [{ passes }]: [{ readonly passes: string }] = await dataSource.query(
    'SELECT count(pass_id) AS passes FROM orders',
  );
  expect(Number(passes)).toBe(8);
  const kinds = new Set(events.flatMap(({ runs }) => runs.map(({ kind, state }) => `${kind} ${state}`)));
  expect([...kinds].sort()).toEqual([
    'changed cancelled',
    'changed confirmed',
    'changed expired',
    'changed paid',
    'new confirmed',
    'new parked',
    'new rejected',
    'takenOver confirmed',
  ]);
});

it('changes nothing in the live database, and says that it has everything', async () => {
  const { dataSource } = world.sale.database;
  const before: unknown = await dataSource.query('SELECT xmin, ctid, * FROM orders ORDER BY order_id');
  const ledger: unknown = await dataSource.query('SELECT xmin, ctid, * FROM ledger ORDER BY sale_id');
  expect(await replayInto(dataSource, events)).toEqual({ applied: 0, known: events.length, stopped: [] });
  expect(await dataSource.query('SELECT xmin, ctid, * FROM orders ORDER BY order_id')).toEqual(before);
  expect(await dataSource.query('SELECT xmin, ctid, * FROM ledger ORDER BY sale_id')).toEqual(ledger);
});

it('goes on after it was cut off anywhere, with repeats as a publisher makes them', async () => {
  const { dataSource } = await emptyDatabase();
  for (const until of [3, 10, events.length / 2, events.length]) {
    const repeated = [...events.slice(0, until), ...events.slice(Math.max(0, until - 4), until)];
    expect(await replayInto(dataSource, repeated, { atOnce: 2 })).toMatchObject({ stopped: [] });
  }
  expect(await replayableRows(dataSource)).toEqual(await replayableRows(world.sale.database.dataSource));
});

it('says what a dry run would do, and does nothing', async () => {
  const { dataSource } = await emptyDatabase();
  expect(await replayInto(dataSource, events, { dryRun: true })).toEqual({
    applied: events.length,
    known: 0,
    stopped: [],
  });
  for (const rows of Object.values(await replayableRows(dataSource))) expect(rows).toEqual([]);
});

describe('an item', () => {
  const ofItem = ({ saleId }: LedgerEvent): boolean => saleId === item.saleId;

  it('stops at a gap, and the others do not', async () => {
    const { dataSource } = await emptyDatabase();
    const holed = events.filter((event) => !ofItem(event) || event.version !== 5);
    const { stopped } = await replayInto(dataSource, holed);
    expect(stopped).toEqual([
      {
        ...item,
        reason: expect.stringContaining('version 5 is missing, the topic goes on with 6') as string,
      },
    ]);
    const versions: unknown = await dataSource.query(
      'SELECT sale_id, version::integer FROM ledger ORDER BY sale_id',
    );
    const last = Math.max(...events.filter((event) => !ofItem(event)).map(({ version }) => version));
    expect(versions).toEqual(
      [
        { sale_id: item.saleId, version: 4 },
        { sale_id: other.saleId, version: last },
      ].sort((one, two) => (one.sale_id < two.sale_id ? -1 : 1)),
    );
    // With the event it goes on.
    expect(await replayInto(dataSource, events)).toMatchObject({ stopped: [] });
    expect(await replayableRows(dataSource)).toEqual(await replayableRows(world.sale.database.dataSource));
  });

  it('whose first events are gone is not begun in the middle', async () => {
    const { dataSource } = await emptyDatabase();
    const { stopped, applied } = await replayInto(dataSource, events.filter(ofItem).slice(1));
    expect([applied, stopped.map(({ reason }) => reason)]).toEqual([
      0,
      [expect.stringContaining('its first events are not in the topic') as string],
    ]);
  });

  it('to which somebody wrote before the replay is reported, and keeps what it has', async () => {
    const { dataSource } = await emptyDatabase();
    const mine = events.filter(ofItem);
    await replayInto(dataSource, mine.slice(0, 6));
    await dataSource.transaction((manager) => noteChange(manager, item, { causes: ['suspended'] }));
    const before = await replayableRows(dataSource);
    const { stopped } = await replayInto(dataSource, mine);
    expect(stopped).toEqual([{ ...item, reason: expect.stringContaining('another history') as string }]);
    expect(await replayableRows(dataSource)).toEqual(before);
  });

  it('with two histories in the topic gets the first one', async () => {
    const { dataSource } = await emptyDatabase();
    const mine = events.filter(ofItem);
    const fork = mine.slice(6, 9).map((event) => {
      return { ...event, ledger: { ...event.ledger, changed_at: '2020-01-01T00:00:00+00:00' } };
    });
    const { stopped } = await replayInto(dataSource, [...mine.slice(0, 9), ...fork]);
    expect(stopped).toEqual([{ ...item, reason: expect.stringContaining('another history') as string }]);
    const again = await replayInto(dataSource, mine);
    expect(again.stopped).toEqual([]);
  });

  it('is left where it stands where an event cannot be written, and the others go on', async () => {
    const { dataSource } = await emptyDatabase();
    const broken = events.map((event) =>
      ofItem(event) && event.version === 4 ? { ...event, ledger: { ...event.ledger, held: 99 } } : event,
    );
    const { stopped } = await replayInto(dataSource, broken, { atOnce: 100 });
    expect(stopped).toEqual([
      { ...item, reason: expect.stringContaining('version 4 cannot be written') as string },
    ]);
    const [row]: unknown[] = await dataSource.query(
      'SELECT version::integer FROM ledger WHERE sale_id = $1',
      [item.saleId],
    );
    expect(row).toEqual({ version: 3 });
    const ofOther = (dump: Record<string, string[]>): string[] =>
      dump['orders']!.filter((row) => row.includes(other.saleId));
    expect(ofOther(await replayableRows(dataSource))).toEqual(
      ofOther(await replayableRows(world.sale.database.dataSource)),
    );
  });
});
