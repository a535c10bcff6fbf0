import type { OrdersAccepted } from '@flux/contracts';
import { acceptedEvent, cancelEvent, insertSale, randomPassId } from '@flux/testing';
import type { DataSource, Logger } from 'typeorm';
import { BatchWorld, itemsOf, placed } from '../test/batch-world';
import { BatchTransaction } from './batch-transaction';
import { LedgerEntity } from './entities/ledger.entity';

let world: BatchWorld;

beforeAll(async () => {
  world = await BatchWorld.start();
});
afterAll(() => world.database.drop());

/** Counts the statements that TypeORM sends. */
class StatementLog implements Logger {
  readonly statements: string[] = [];
  logQuery(query: string): void {
    this.statements.push(query.trim().split(/\s+/).slice(0, 2).join(' '));
  }
  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

describe('a batch', () => {
  it('confirms what fits and rejects the surplus, in the order of the events', async () => {
    const item = await world.newItem(3);
    const event = acceptedEvent({ item, orders: [{ quantity: 2 }, { quantity: 2 }, { quantity: 1 }] });
    const [result] = itemsOf(await world.batch.apply(placed(event)));

    const rows = await world.ordersOf(item);
    expect(rows.map(({ state, reason }) => [state, reason])).toEqual([
      ['confirmed', null],
      ['rejected', 'no-units'],
      ['confirmed', null],
    ]);
    expect(await world.ledgerOf(item)).toMatchObject({ held: 3, parked: 0, watermark: 3 });
    const [first, second, third] = event.orders;
    expect(result).toMatchObject({
      epoch: 1,
      rewound: undefined,
      suspended: undefined,
      settlement: {
        ...item,
        epoch: 1,
        watermark: 3,
        watermarkOrderId: third!.orderId,
        statesAfter: 0,
        states: [
          {
            orderId: second!.orderId,
            status: 'rejected',
            shopperId: second!.shopperId,
            quantity: 2,
            changedAtMs: result!.decidedAtMs,
          },
        ],
      },
      counts: { rejected: { 'no-units': 1, 'shopper-limit': 0, 'old-epoch': 0 }, repeated: 0, parked: 0 },
    });
    expect(result!.counts.confirmedAcceptedAtMs).toEqual([event.acceptedAtMs, event.acceptedAtMs]);
    expect(rows[0]).toMatchObject({ ...item, ...first, epoch: 1, sequence: 1, booked: 0 });
    expect(rows[0]!.acceptedAt.getTime()).toBe(event.acceptedAtMs);
    expect(rows[0]!.decidedAt.getTime()).toBe(result!.decidedAtMs);
    expect(result!.settlement!.runs).toEqual([{ upTo: 3, atMs: result!.decidedAtMs }]);
    expect(rows[0]!.holdUntil!.getTime() - rows[0]!.decidedAt.getTime()).toBe(600_000);
    expect(rows[1]!.holdUntil).toBeNull();
  });

  it('keeps the pass that each order redeemed, and of a row that is taken over the pass of its taker', async () => {
    const item = await world.newItem(2);
    const [first, second, third, taker] = Array.from({ length: 4 }, randomPassId);
    const passesOf = async () => (await world.ordersOf(item)).map(({ state, passId }) => [state, passId]);
    const orders = [{ passId: first! }, {}, { passId: second! }];
    await world.batch.apply(placed(acceptedEvent({ item, orders })));
    expect(await passesOf()).toEqual([
      ['confirmed', first],
      ['confirmed', null],
      ['rejected', second],
    ]);

    await world.database.dataSource.query(
      'UPDATE ledger SET epoch = 2, epoch_offset = 0, watermark = 0, initial = 9 WHERE sale_id = $1',
      [item.saleId],
    );
    const late = acceptedEvent({ item, firstSequence: 4, orders: [{ passId: third! }] });
    await world.batch.apply([{ event: late, offset: 1n }]);
    expect((await passesOf()).at(-1)).toEqual(['rejected', third]);
    const again = { ...late, epoch: 2, orders: late.orders.map((order) => ({ ...order, passId: taker })) };
    await world.batch.apply([{ event: again, offset: 2n }]);
    expect((await passesOf()).at(-1)).toEqual(['confirmed', taker]);
  });

  it("holds the shopper's limit over all batches", async () => {
    const item = await world.newItem(10, 2);
    const mine = (firstSequence: number): OrdersAccepted =>
      acceptedEvent({ item, firstSequence, orders: [{ shopperId: 'greedy' }, { shopperId: 'greedy' }] });
    await world.batch.apply(placed(mine(1)));
    await world.batch.apply(placed(mine(3), acceptedEvent({ item, firstSequence: 5, orders: 1 })));
    expect((await world.ordersOf(item)).map(({ reason }) => reason)).toEqual([
      null,
      null,
      'shopper-limit',
      'shopper-limit',
      null,
    ]);
    expect((await world.ledgerOf(item)).held).toBe(3);
  });

  it.each([1, 500])('is one transaction of seven statements with %i orders of four items', async (count) => {
    const log = new StatementLog();
    const watched = new BatchTransaction(await world.database.connect({ logger: log }));
    const items = await insertSale(world.database.dataSource, [
      { stock: 500 },
      { stock: 500 },
      { stock: 60 },
      { stock: 0 },
    ]);
    log.statements.length = 0;
    const events = items.map((item) => acceptedEvent({ item, orders: Math.ceil(count / items.length) }));
    await watched.apply(placed(...events));
    expect(log.statements).toEqual([
      'START TRANSACTION',
      'SELECT ledger.*,',
      'SELECT place,',
      // What is confirmed, then what is not.
      'INSERT INTO',
      'INSERT INTO',
      'WITH raised',
      'COMMIT',
    ]);
    log.statements.length = 0;
    await watched.apply(
      placed(
        ...events.flatMap((event, index) =>
          event.orders.map((order, place) => {
            const sequence = event.orders.length + place + 1;
            return cancelEvent({ item: items[index]!, order, sequence });
          }),
        ),
      ),
    );
    expect(log.statements).toEqual([
      'START TRANSACTION',
      'SELECT ledger.*,',
      'SELECT order_id,',
      'UPDATE orders',
      // Of what had been refused only the wish is noted.
      'UPDATE orders',
      'WITH raised',
      'COMMIT',
    ]);
  });

  it('changes no byte when it comes again, whole, in parts or twice in one batch, and answers the states again', async () => {
    const item = await world.newItem(2);
    const events = [1, 4, 7].map((firstSequence) => acceptedEvent({ item, firstSequence, orders: 3 }));
    const [first] = itemsOf(await world.batch.apply(placed(...events)));
    const before = await world.checksum(item);
    const [again] = itemsOf(await world.batch.apply(placed(...events)));
    await world.batch.apply(placed(events[1]!));
    await world.batch.apply(placed(events[2]!, events[0]!, events[2]!));
    expect(await world.checksum(item)).toEqual(before);
    expect(again!.settlement!.states).toEqual(first!.settlement!.states);
    expect(again!.settlement!.states).toHaveLength(7);
    expect(again!.settlement).toMatchObject({
      watermark: 9,
      watermarkOrderId: events[2]!.orders[2]!.orderId,
    });
    expect(again!.counts.repeated).toBe(9);
  });

  it('never confirms more than there is when several processes apply the same and overlapping events', async () => {
    const item = await world.newItem(100);
    const events = Array.from({ length: 30 }, (_, index) =>
      acceptedEvent({ item, firstSequence: index * 5 + 1, orders: 5 }),
    );
    const processes: DataSource[] = await Promise.all([1, 2, 3, 4].map(() => world.database.connect()));
    await Promise.all(
      processes.map(async (dataSource, index) => {
        const mine = new BatchTransaction(dataSource);
        for (let from = index; from < events.length; from += 3) {
          await mine.apply(placed(...events.slice(from, from + 7)));
        }
        await mine.apply(placed(...events));
      }),
    );
    const rows = await world.ordersOf(item);
    expect(rows).toHaveLength(150);
    expect(new Set(rows.map(({ sequence }) => sequence)).size).toBe(150);
    expect(rows.filter(({ state }) => state === 'confirmed')).toHaveLength(100);
    expect(await world.ledgerOf(item)).toMatchObject({
      held: 100,
      watermark: 150,
      watermarkOrderId: events[29]!.orders[4]!.orderId,
      ahead: [],
      suspendedReason: null,
    });
  });

  it('takes items in any order without a deadlock', async () => {
    const items = await insertSale(world.database.dataSource, [{ stock: 50 }, { stock: 50 }, { stock: 50 }]);
    const processes = await Promise.all([1, 2, 3].map(() => world.database.connect()));
    await Promise.all(
      processes.map(async (dataSource, shift) => {
        for (let round = 0; round < 15; round += 1) {
          const turned = [...items.slice(shift), ...items.slice(0, shift)];
          const firstSequence = (round * 3 + shift) * 2 + 1;
          await new BatchTransaction(dataSource).apply(
            placed(...turned.map((item) => acceptedEvent({ item, firstSequence, orders: 2 }))),
          );
        }
      }),
    );
    for (const item of items)
      expect(await world.ledgerOf(item)).toMatchObject({ held: 50, watermark: 90, ahead: [] });
  });

  it('refuses an unknown item and a newer epoch, and changes nothing', async () => {
    const item = await world.newItem(5);
    const good = acceptedEvent({ item, orders: 1 });
    const unknown = acceptedEvent({ item: { saleId: 'no-sale', productId: 'none' }, orders: 1 });
    expect(await world.batch.apply(placed(good, unknown))).toEqual({
      outcome: 'refused',
      reason: 'the item is not known',
    });
    const newer = acceptedEvent({ item, epoch: 2, firstSequence: 2, orders: 1 });
    expect(await world.batch.apply(placed(good, newer))).toMatchObject({ outcome: 'refused' });
    expect(await world.ordersOf(item)).toEqual([]);
    expect(await world.batch.apply([])).toEqual({ outcome: 'applied', items: [] });
  });
});

describe('sequences', () => {
  it('applies what comes beyond a gap, and jumps when the gap is filled', async () => {
    const item = await world.newItem(100);
    const [first, lost, third] = [1, 4, 7].map((firstSequence) =>
      acceptedEvent({ item, firstSequence, orders: 3 }),
    );
    await world.batch.apply(placed(first!));
    const [beyond] = itemsOf(await world.batch.apply(placed(third!)));
    expect(beyond!.settlement).toMatchObject({
      watermark: 3,
      statesAfter: 3,
      watermarkOrderId: first!.orders[2]!.orderId,
    });
    expect(await world.ledgerOf(item)).toMatchObject({
      held: 6,
      watermark: 3,
      ahead: [{ from: 7, to: 9, lastOrderId: third!.orders[2]!.orderId }],
    });
    const [filled] = itemsOf(await world.batch.apply(placed(lost!)));
    expect(filled).toMatchObject({
      settlement: { watermark: 9, statesAfter: 9, watermarkOrderId: third!.orders[2]!.orderId },
    });
    expect(await world.ledgerOf(item)).toMatchObject({ held: 9, watermark: 9, ahead: [] });
  });

  it('sees a repeat under another id, suspends the item and judges the order all the same', async () => {
    const item = await world.newItem(5);
    await world.batch.apply(placed(acceptedEvent({ item, orders: 3 })));
    const [result] = itemsOf(
      await world.batch.apply(placed(acceptedEvent({ item, firstSequence: 3, orders: 2 }))),
    );
    expect(result!.rewound).toBe('a sequence came again under another order id');
    expect(result!.suspended).toBe(result!.rewound);
    expect(await world.ledgerOf(item)).toMatchObject({
      held: 5,
      watermark: 4,
      suspendedReason: result!.rewound,
    });
    const next = acceptedEvent({ item, firstSequence: 5, orders: 1 });
    expect(itemsOf(await world.batch.apply(placed(next)))).toMatchObject([
      { rewound: undefined, suspended: result!.rewound },
    ]);
  });
});

describe('an order that has a row though its sequence is new', () => {
  it.each([
    ['confirmed', 5],
    ['rejected', 0],
  ])('stays %s, and proves that Redis went back in time', async (state, stock) => {
    const log = new StatementLog();
    const watched = new BatchTransaction(await world.database.connect({ logger: log }));
    const item = await world.newItem(stock, 1);
    const event = acceptedEvent({ item, orders: 2 });
    await world.apply(event);
    const rows = await world.ordersOf(item);
    log.statements.length = 0;
    const fresh = acceptedEvent({ item, firstSequence: 5, orders: 1 });
    const [result] = itemsOf(await watched.apply(placed({ ...event, firstSequence: 3 }, fresh)));
    expect(result).toMatchObject({ rewound: 'an order came again with another sequence' });
    expect((await world.ordersOf(item)).slice(0, 2)).toEqual(rows);
    expect(rows.map((row) => row.state)).toEqual([state, state]);
    expect(await world.ordersOf(item)).toHaveLength(3);
    expect(await world.ledgerOf(item)).toMatchObject({ held: stock === 0 ? 0 : 3, watermark: 5 });
    // It is not looked up before the primary key has refused it.
    expect(log.statements.filter((statement) => statement === 'START TRANSACTION')).toHaveLength(2);
    expect(log.statements.filter((statement) => statement === 'SELECT order_id,')).toHaveLength(1);
    expect((await world.statusesTold(item)).flat()).toHaveLength(3);
  });
});

describe('epochs', () => {
  it('rejects what an older epoch sent beyond the fence, until the order is accepted in the newer one', async () => {
    const item = await world.newItem(5);
    await world.database.dataSource
      .getRepository(LedgerEntity)
      .update({ ...item }, { epoch: 2, epochOffset: '10', watermark: 0 });
    const old = acceptedEvent({ item, epoch: 1, firstSequence: 8, orders: 2 });
    const [fenced] = itemsOf(await world.batch.apply([{ event: old, offset: 11n }]));
    expect(fenced!.settlement).toBeUndefined();
    expect(fenced!.counts.rejected['old-epoch']).toBe(2);

    const anew = { ...old, epoch: 2, firstSequence: 1, orders: [old.orders[1]!] };
    const [taken] = itemsOf(await world.batch.apply([{ event: anew, offset: 12n }]));
    expect(taken!.settlement).toMatchObject({ epoch: 2, watermark: 1, states: [] });
    await world.batch.apply([{ event: old, offset: 11n }]);
    expect((await world.ordersOf(item)).map(({ state, reason, epoch }) => [state, reason, epoch])).toEqual([
      ['rejected', 'old-epoch', 1],
      ['confirmed', null, 2],
    ]);
    expect((await world.ordersOf(item))[1]!.history).toMatchObject([
      { status: 'rejected', reason: 'old-epoch' },
    ]);
    expect(await world.ledgerOf(item)).toMatchObject({ held: 1, watermark: 1 });
  });

  it('never lets count what came too late, however many epochs end after that', async () => {
    const item = await world.newItem(5);
    const raise = async (epoch: number, epochOffset: string): Promise<unknown> =>
      world.database.dataSource
        .getRepository(LedgerEntity)
        .update({ ...item }, { epoch, epochOffset, watermark: 0 });
    const first = acceptedEvent({ item, epoch: 1, orders: 1 });
    const placedLate = [
      { event: first, offset: 11n },
      { event: { ...first, epoch: 2 }, offset: 12n },
    ];
    await raise(3, '10');
    for (const late of placedLate) await world.batch.apply([late]);
    const rows = await world.ordersOf(item);
    expect(rows).toMatchObject([{ state: 'rejected', reason: 'old-epoch', epoch: 2 }]);
    await raise(4, '20');
    for (const late of placedLate) await world.batch.apply([late]);
    expect(await world.ordersOf(item)).toEqual(rows);
    expect(await world.ledgerOf(item)).toMatchObject({ held: 0 });
  });
});

describe('the backstop', () => {
  it('lets no statement oversell, whatever the flow did', async () => {
    const item = await world.newItem(2);
    const change = (sql: string): Promise<unknown> =>
      world.database.dataSource.query(`UPDATE ledger SET ${sql} WHERE sale_id = $1`, [item.saleId]);
    await change('held = 1, sold = 1');
    await expect(change('parked = 1')).rejects.toMatchObject({ code: '23514' });
    await expect(change('initial = 1')).rejects.toMatchObject({ code: '23514' });
    await expect(change('held = -1')).rejects.toMatchObject({ code: '23514' });
    expect(await world.ledgerOf(item)).toMatchObject({ initial: 2, held: 1, sold: 1, parked: 0 });
  });

  it('lets a product be live in one sale only', async () => {
    const [item] = await insertSale(world.database.dataSource, [{ stock: 1 }]);
    await expect(
      insertSale(world.database.dataSource, [{ stock: 1, productId: item!.productId }]),
    ).rejects.toMatchObject({ code: '23505' });
  });
});
