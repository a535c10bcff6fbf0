import { orderStatusEventSchema } from '@flux/contracts';
import { acceptedEvent, cancelEvent, insertSale } from '@flux/testing';
import { BatchTransaction } from '../src/batch-transaction';
import { BatchWorld, itemsOf, placed } from './batch-world';

let world: BatchWorld;

beforeAll(async () => {
  world = await BatchWorld.start();
});
afterAll(() => world.database.drop());

describe('a wish to cancel', () => {
  it('ends its order in the batch after it, and the gate has to be told', async () => {
    const item = await world.newItem(5);
    const event = acceptedEvent({ item, orders: [{ quantity: 2 }, { quantity: 1 }] });
    const [order] = event.orders;
    await world.batch.apply(placed(event));
    const [result] = itemsOf(
      await world.batch.apply(placed(cancelEvent({ item, order: order!, sequence: 3 }))),
    );

    expect(result).toMatchObject({
      untold: [order!.orderId],
      settlement: {
        ...{ watermark: 3, watermarkOrderId: order!.orderId, statesAfter: 2 },
        states: [{ orderId: order!.orderId, status: 'cancelled', quantity: 2 }],
      },
      counts: { cancelled: 1, unmetIntents: 0 },
    });
    expect(await world.ledgerOf(item)).toMatchObject({
      held: 1,
      watermark: 3,
      watermarkOrderId: order!.orderId,
    });
    const [row] = await world.ordersOf(item);
    expect(row).toMatchObject({
      ...{ state: 'cancelled', reason: null, holdUntil: null, cancelEpoch: 1, cancelSequence: 3 },
      ...{ gateEpoch: 1, gateUnits: 2, history: [{ status: 'confirmed' }] },
    });
    expect(row!.decidedAt.getTime()).toBe(result!.decidedAtMs);
  });

  it('ends its order in the same batch, whose history has both states', async () => {
    const item = await world.newItem(1);
    const event = acceptedEvent({ item, orders: [{ shopperId: 'ada' }, { shopperId: 'bob' }] });
    const later = acceptedEvent({ item, firstSequence: 4, orders: [{ shopperId: 'cyd' }] });
    const [ada] = event.orders;
    await world.batch.apply(placed(event, cancelEvent({ item, order: ada!, sequence: 3 }), later));
    expect((await world.ordersOf(item)).map(({ shopperId, state }) => [shopperId, state])).toEqual([
      ['ada', 'cancelled'],
      ['bob', 'rejected'],
      ['cyd', 'confirmed'],
    ]);
    expect(await world.ledgerOf(item)).toMatchObject({ held: 1, watermark: 4 });
    expect(await world.statusesTold(item)).toEqual([
      ['ada confirmed', 'bob rejected', 'cyd confirmed', 'ada cancelled'],
    ]);
  });

  it('is noted in the row of an order that was refused, with its sequence, and tells nobody', async () => {
    const item = await world.newItem(0);
    const event = acceptedEvent({ item, orders: [{ shopperId: 'ada' }] });
    await world.batch.apply(placed(event));
    const wish = cancelEvent({ item, order: event.orders[0]!, sequence: 2 });
    const [result] = await world.apply(wish);
    expect(result).toMatchObject({ untold: [], counts: { cancelled: 0 } });
    const [row] = await world.ordersOf(item);
    expect(row).toMatchObject({ state: 'rejected', history: null, cancelEpoch: 1, cancelSequence: 2 });
    expect(await world.ledgerOf(item)).toMatchObject({ watermark: 2 });
    expect(await world.statusesTold(item)).toEqual([['ada rejected'], []]);
  });

  it('changes no byte when it comes again, alone, with its order, or after an order took its units', async () => {
    const item = await world.newItem(2);
    const event = acceptedEvent({ item, orders: 2 });
    const wish = cancelEvent({ item, order: event.orders[0]!, sequence: 3 });
    await world.batch.apply(placed(event, wish));
    await world.batch.apply(placed(acceptedEvent({ item, firstSequence: 4, orders: 1 })));
    const before = await world.checksum(item);
    for (const again of [[wish], [event], [event, wish], [wish, event, wish]]) {
      const [result] = itemsOf(await world.batch.apply(placed(...again)));
      expect(result).toMatchObject({ rewound: undefined, untold: [] });
      expect(result!.settlement!.states).toMatchObject([{ orderId: wish.orderId, status: 'cancelled' }]);
    }
    expect(await world.checksum(item)).toEqual(before);
  });

  it('counts as missing while its order is, and leaves a gap until both come again', async () => {
    const item = await world.newItem(5);
    const lost = acceptedEvent({ item, orders: 2 });
    const wish = cancelEvent({ item, order: lost.orders[1]!, sequence: 3 });
    const after = acceptedEvent({ item, firstSequence: 4, orders: 1 });
    const [unmet] = itemsOf(await world.batch.apply(placed(wish, after)));
    expect(unmet).toMatchObject({ counts: { unmetIntents: 1 }, settlement: { watermark: 0, runs: [] } });
    expect(await world.ledgerOf(item)).toMatchObject({ watermark: 0, held: 1 });
    await world.batch.apply(placed(lost));
    expect(await world.ledgerOf(item)).toMatchObject({ watermark: 2, held: 3 });
    await world.batch.apply(placed(lost, wish));
    expect(await world.ledgerOf(item)).toMatchObject({ watermark: 4, held: 2, ahead: [] });
  });

  it('that two processes apply at once, beside redeliveries, returns each unit once', async () => {
    const item = await world.newItem(40);
    const event = acceptedEvent({ item, orders: 40 });
    const wishes = event.orders.map((order, index) => cancelEvent({ item, order, sequence: 41 + index }));
    const processes = await Promise.all([1, 2, 3].map(() => world.database.connect()));
    await Promise.all(
      processes.map(async (dataSource, index) => {
        const mine = new BatchTransaction(dataSource);
        await mine.apply(placed(event));
        for (let from = index * 10; from < wishes.length; from += 5) {
          await mine.apply(placed(...wishes.slice(from, from + 8), event));
        }
        await mine.apply(placed(event, ...wishes));
      }),
    );
    expect(await world.ledgerOf(item)).toMatchObject({
      held: 0,
      watermark: 80,
      ahead: [],
      suspendedReason: null,
    });
    const told = (await world.statusesTold(item)).flat();
    expect(told).toHaveLength(80);
    expect(new Set(told).size).toBe(80);
    const rows = await world.ordersOf(item);
    expect(rows.every(({ gateUnits, history }) => gateUnits === 1 && history?.length === 1)).toBe(true);
  });
});

describe('events', () => {
  it('tell of every order, one row for each item and transaction, in the order of the changes', async () => {
    const items = await insertSale(world.database.dataSource, [{ stock: 1 }, { stock: 5 }]);
    const [first, second] = items;
    const event = acceptedEvent({ item: first!, orders: 2 });
    const [result] = itemsOf(
      await world.batch.apply(placed(event, acceptedEvent({ item: second!, orders: 1 }))),
    );
    const rows = await world.eventsOf(first!);
    expect(rows).toHaveLength(1);
    const occurredAt = new Date(result!.decidedAtMs).toISOString();
    const [confirmed, rejected] = event.orders;
    expect(rows[0]).toMatchObject([
      {
        ...{
          type: 'order-status.v1',
          id: `${confirmed!.orderId}.confirmed`,
          orderId: confirmed!.orderId,
          ...first,
        },
        ...{ shopperId: confirmed!.shopperId, quantity: 1, status: 'confirmed', occurredAt },
        holdUntil: new Date(result!.decidedAtMs + 600_000).toISOString(),
      },
      { orderId: rejected!.orderId, status: 'rejected', reason: 'no-units', occurredAt },
    ]);
    for (const told of rows.flat()) expect(orderStatusEventSchema.safeParse(told).success).toBe(true);
    expect(await world.statusesTold(second!)).toHaveLength(1);
    await world.batch.apply(placed(event));
    expect(await world.eventsOf(first!)).toHaveLength(1);
  });
});
