import {
  acceptedEvent,
  cancelEvent,
  createDatabase,
  insertSale,
  waitUntil,
  type TestDatabase,
} from '@flux/testing';
import { BatchTransaction } from './batch-transaction';
import { ExclusiveWork } from './exclusive-work';
import { LedgerReader } from './ledger-reader';
import { Suspensions } from './suspensions';

let database: TestDatabase;
let batch: BatchTransaction;
let reader: LedgerReader;

beforeAll(async () => {
  database = await createDatabase();
  batch = new BatchTransaction(database.dataSource);
  reader = new LedgerReader(database.dataSource);
});
afterAll(() => database.drop());

describe('the reader', () => {
  it('reads a sale with its items in the operator’s order and their counters', async () => {
    const items = await insertSale(database.dataSource, [{ stock: 5 }, { stock: 7 }]);
    const { saleId } = items[0]!;
    await batch.apply([{ event: acceptedEvent({ item: items[1]!, orders: 2 }), offset: 0n }]);
    const found = await reader.sale(saleId);
    expect(found!.sale).toMatchObject({ id: saleId, state: 'open', holdMs: 600_000 });
    expect(
      found!.items.map(({ item, ledger }) => [item.productId, item.priceMinor, ledger.initial, ledger.held]),
    ).toEqual([
      [items[0]!.productId, 1_999, 5, 0],
      [items[1]!.productId, 1_999, 7, 2],
    ]);
    expect((await reader.sales()).map(({ id }) => id)).toContain(saleId);
    expect(await reader.sale('none')).toBeUndefined();
    expect(await reader.ledger({ saleId, productId: 'none' })).toBeUndefined();
  });

  it('walks every order of one sale and of no other, whatever the ids’ neighbours are', async () => {
    const [item] = await insertSale(database.dataSource, [{ stock: 5_000 }]);
    const [other] = await insertSale(database.dataSource, [{ stock: 5 }]);
    await batch.apply([{ event: acceptedEvent({ item: other!, orders: 1 }), offset: 0n }]);
    const events = Array.from({ length: 36 }, (_, index) => ({
      event: acceptedEvent({ item: item!, firstSequence: index * 64 + 1, orders: 64 }),
      offset: BigInt(index),
    }));
    await batch.apply(events);
    const ids = new Set<string>();
    for await (const order of reader.orders(item!.saleId)) ids.add(order.orderId);
    expect(ids).toEqual(new Set(events.flatMap(({ event }) => event.orders.map(({ orderId }) => orderId))));
  });

  it('finds the events that the ledger lacks something of, refusals of an epoch that ended included', async () => {
    const [item] = await insertSale(database.dataSource, [{ stock: 5 }]);
    const present = acceptedEvent({ item: item!, orders: 2 });
    const absent = acceptedEvent({ item: item!, firstSequence: 3, orders: 1 });
    const wish = cancelEvent({ item: item!, order: present.orders[0]!, sequence: 4 });
    const lostWish = cancelEvent({ item: item!, order: present.orders[1]!, sequence: 5 });
    const orphan = cancelEvent({ item: item!, order: absent.orders[0]!, sequence: 6 });
    const events = [present, absent, wish, lostWish, orphan];
    await batch.apply([present, wish].map((event) => ({ event, offset: 0n })));
    expect(await reader.missingEvents(item!, events)).toEqual([absent, lostWish, orphan]);
    expect(await reader.missingEvents(item!, [])).toEqual([]);

    await database.dataSource.query(
      "UPDATE orders SET state = 'rejected', reason = 'old-epoch', hold_until = NULL WHERE order_id = $1",
      [present.orders[1]!.orderId],
    );
    await database.dataSource.query('UPDATE ledger SET epoch = 2 WHERE sale_id = $1', [item!.saleId]);
    // Wishes of the epoch that ended are not missed any more.
    expect(await reader.missingEvents(item!, events)).toEqual([absent]);
    const anew = { ...present, epoch: 2 };
    expect(await reader.missingEvents(item!, [anew])).toEqual([anew]);
  });

  it('answers the rows of orders, and leaves out those that have none', async () => {
    const [item] = await insertSale(database.dataSource, [{ stock: 5 }]);
    const event = acceptedEvent({ item: item!, orders: 1 });
    const wish = cancelEvent({ item: item!, order: event.orders[0]!, sequence: 2 });
    await batch.apply([event, wish].map((placed) => ({ event: placed, offset: 0n })));
    const known = await reader.knownOrders([event.orders[0]!.orderId, 'none']);
    expect([...known.values()]).toMatchObject([{ state: 'cancelled', intent: { epoch: 1, sequence: 2 } }]);
  });
});

describe('a suspension', () => {
  it('keeps its first reason and leaves a newer epoch alone', async () => {
    const [item] = await insertSale(database.dataSource, [{ stock: 3 }]);
    const suspensions = new Suspensions(database.dataSource);
    await suspensions.suspend({ ...item!, epoch: 2 }, 'another epoch');
    expect(await reader.ledger(item!)).toMatchObject({ suspendedReason: null });
    await suspensions.suspend({ ...item!, epoch: 1 }, 'first');
    await suspensions.suspend({ ...item!, epoch: 1 }, 'second');
    expect(await reader.ledger(item!)).toMatchObject({ suspendedReason: 'first' });
  });
});

describe('exclusive work', () => {
  const nothing = (): Promise<void> => Promise.resolve();

  it('runs in one process at a time, and again afterwards', async () => {
    const other = new ExclusiveWork(await database.connect());
    const mine = new ExclusiveWork(database.dataSource);
    const outcome = await mine.run(1, async () => {
      expect(await other.run(1, nothing)).toEqual({ outcome: 'busy' });
      expect(await other.run(2, nothing)).toEqual({ outcome: 'done' });
    });
    expect(outcome).toEqual({ outcome: 'done' });
    expect(await other.run(1, nothing)).toEqual({ outcome: 'done' });
  });

  it('runs once for each text that names what it is about', async () => {
    const other = new ExclusiveWork(await database.connect());
    const mine = new ExclusiveWork(database.dataSource);
    await mine.run('flux:rebuild:a.b', async () => {
      expect(await other.run('flux:rebuild:a.b', nothing)).toEqual({ outcome: 'busy' });
      expect(await other.run('flux:rebuild:a.c', nothing)).toEqual({ outcome: 'done' });
    });
  });

  it('keeps its lock longer than the server would let it be silent', async () => {
    const config = { FLUX_DATABASE_IDLE_TRANSACTION_TIMEOUT_MS: 1_500 };
    const mine = new ExclusiveWork(await database.connect({ config }));
    const other = new ExclusiveWork(database.dataSource);
    const startedAt = Date.now();
    const outcome = await mine.run(3, async (signal) => {
      await waitUntil('two time-outs have passed', () => Date.now() - startedAt > 3_000);
      expect(signal.aborted).toBe(false);
      expect(await other.run(3, nothing)).toEqual({ outcome: 'busy' });
    });
    expect(outcome).toEqual({ outcome: 'done' });
  });

  it('is taken from a process that has frozen', async () => {
    const frozen = await database.connect({ config: { FLUX_DATABASE_IDLE_TRANSACTION_TIMEOUT_MS: 100 } });
    const runner = frozen.createQueryRunner();
    await runner.startTransaction();
    await runner.query('SELECT pg_advisory_xact_lock(4)');
    const mine = new ExclusiveWork(database.dataSource);
    await waitUntil('the lock is free', async () => (await mine.run(4, nothing)).outcome === 'done');
  });

  it('hears that the lock was lost', async () => {
    const losing = await database.connect({ config: { FLUX_DATABASE_IDLE_TRANSACTION_TIMEOUT_MS: 100 } });
    const work = new ExclusiveWork(losing).run(5, async (signal) => {
      await database.dataSource.query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 5",
      );
      await waitUntil('the signal aborts', () => signal.aborted);
    });
    await expect(work).rejects.toThrow();
    expect(await new ExclusiveWork(losing).run(5, nothing)).toEqual({ outcome: 'done' });
  });
});
