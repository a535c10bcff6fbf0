import { encodeItemEvent, type ItemEvent, type ItemRef } from '@flux/contracts';
import {
  acceptedEvent,
  cancelEvent,
  createDatabase,
  insertSale,
  randomId,
  randomPassId,
  type TestDatabase,
} from '@flux/testing';
import { BatchTransaction } from './batch-transaction';
import { LedgerEntity } from './entities/ledger.entity';
import { LedgerReader } from './ledger-reader';
import { Parking, type ParkingOutcome, type UnprocessableMessage } from './parking';

let database: TestDatabase;
let parking: Parking;
let reader: LedgerReader;

beforeAll(async () => {
  database = await createDatabase();
  parking = new Parking(database.dataSource);
  reader = new LedgerReader(database.dataSource);
});
afterAll(() => database.drop());

function poison(event: ItemEvent, changes: Partial<UnprocessableMessage> = {}): UnprocessableMessage {
  const { key, headers } = encodeItemEvent(event);
  return {
    topic: randomId('topic'),
    partition: 3,
    offset: 7n,
    key,
    value: Buffer.from([0xff, 0x00, 0x7b]),
    headers,
    ...changes,
  };
}

async function newItem(stock: number): Promise<ItemRef> {
  const [item] = await insertSale(database.dataSource, [{ stock }]);
  return item!;
}

async function ledgerOf(item: ItemRef): Promise<LedgerEntity> {
  return database.dataSource.getRepository(LedgerEntity).findOneByOrFail({ ...item });
}

async function newestMessage() {
  const [message] = await reader.parkedMessages({ limit: 1 });
  return message!;
}

function bookedItem(outcome: ParkingOutcome) {
  if (outcome.outcome !== 'booked') throw new Error(outcome.reason);
  return outcome.item;
}

describe('parking', () => {
  it('keeps the bytes, books what is free and settles the orders as accepted', async () => {
    const item = await newItem(3);
    const passId = randomPassId();
    const event = acceptedEvent({
      item,
      orders: [{ quantity: 2, passId }, { quantity: 2 }, { quantity: 1 }],
    });
    const message = poison(event);
    const result = bookedItem(await parking.park(message, 'the body is not JSON'));

    expect(await ledgerOf(item)).toMatchObject({ parked: 3, held: 0, watermark: 3 });
    const orders = await Promise.all(event.orders.map(({ orderId }) => reader.order(orderId)));
    expect(orders.map((row) => [row!.state, row!.booked, row!.holdUntil])).toEqual([
      ['parked', 2, null],
      ['parked', 1, null],
      ['parked', 0, null],
    ]);
    // From the headers: nobody can read the body.
    expect(orders.map((row) => row!.passId)).toEqual([passId, null, null]);
    expect(result.settlement).toMatchObject({ watermark: 3, watermarkOrderId: event.orders[2]!.orderId });
    expect(result.settlement!.states.map(({ status, quantity }) => [status, quantity])).toEqual([
      ['accepted', 0],
      ['accepted', 0],
      ['accepted', 0],
    ]);
    expect(await newestMessage()).toMatchObject({
      ...item,
      topic: message.topic,
      partition: 3,
      messageOffset: '7',
      key: Buffer.from(item.productId),
      value: message.value,
      headers: message.headers,
      reason: 'the body is not JSON',
      epoch: 1,
      firstSequence: 1,
      orderCount: 3,
      booked: 3,
      state: 'parked',
    });
  });

  it('again, or from a copy of the message, books nothing twice', async () => {
    const item = await newItem(5);
    const message = poison(acceptedEvent({ item, orders: 2 }));
    const first = bookedItem(await parking.park(message, 'poison'));
    const again = bookedItem(await parking.park(message, 'poison'));
    const copy = bookedItem(await parking.park({ ...message, offset: 8n }, 'poison'));
    expect(again.settlement!.states).toEqual(first.settlement!.states);
    expect(copy.counts).toMatchObject({ parked: 0, repeated: 2 });
    expect(await ledgerOf(item)).toMatchObject({ parked: 2, watermark: 2 });
    const messages = await reader.parkedMessages({ limit: 50 });
    expect(messages.filter(({ topic }) => topic === message.topic).map(({ booked }) => booked)).toEqual([
      0, 2,
    ]);
  });

  it('makes the orders known: a good copy of the message confirms none of them', async () => {
    const item = await newItem(5);
    const event = acceptedEvent({ item, orders: 2 });
    await parking.park(poison(event), 'poison');
    const outcome = await new BatchTransaction(database.dataSource).apply([{ event, offset: 9n }]);
    expect(outcome).toMatchObject({
      outcome: 'applied',
      items: [
        { counts: { repeated: 2 }, settlement: { states: [{ status: 'accepted' }, { status: 'accepted' }] } },
      ],
    });
    expect(await ledgerOf(item)).toMatchObject({ parked: 2, held: 0 });
  });

  it('counts against the limit of the shopper', async () => {
    const [item] = await insertSale(database.dataSource, [{ stock: 5, perShopperLimit: 1 }]);
    const orders = [{ shopperId: 'ada' }];
    await parking.park(poison(acceptedEvent({ item: item!, orders })), 'poison');
    const event = acceptedEvent({ item: item!, firstSequence: 2, orders });
    await new BatchTransaction(database.dataSource).apply([{ event, offset: 9n }]);
    expect(await reader.order(event.orders[0]!.orderId)).toMatchObject({ reason: 'shopper-limit' });
  });

  it.each([
    ['has no headers', {}, 'nothing booked, headers not an event of an item'],
    ['has headers with U+0000', { sale: 'a\u0000b' }, 'nothing booked, headers not an event of an item'],
    [
      'names an unknown item',
      encodeItemEvent(acceptedEvent({ item: { saleId: 'no', productId: 'no' }, orders: 1 })).headers,
      'nothing booked, the item is not known',
    ],
  ])('keeps a message that %s, and books nothing', async (_, headers, reason) => {
    const item = await newItem(5);
    const outcome = await parking.park(
      poison(acceptedEvent({ item, orders: 1 }), { headers }),
      'po\u0000ison',
    );
    expect(outcome).toMatchObject({ outcome: 'kept' });
    expect(outcome.outcome === 'kept' && outcome.reason).toContain(reason);
    expect(await newestMessage()).toMatchObject({
      saleId: null,
      orderCount: 0,
      booked: 0,
      reason: 'po\uFFFDison',
    });
    expect(await ledgerOf(item)).toMatchObject({ parked: 0, watermark: 0 });
  });

  it('keeps a message whose headers hold what PostgreSQL cannot', async () => {
    const item = await newItem(5);
    const event = acceptedEvent({ item, epoch: 2 ** 40, orders: 1 });
    expect(await parking.park(poison(event), 'x')).toMatchObject({
      outcome: 'kept',
      reason: expect.stringContaining('22003') as string,
    });
    expect(await newestMessage()).toMatchObject({ epoch: null, booked: 0 });
    expect(await ledgerOf(item)).toMatchObject({ parked: 0 });
  });

  it('notes a wish to cancel, with its sequence, and changes no state; nor does a good copy of it', async () => {
    const item = await newItem(5);
    const batch = new BatchTransaction(database.dataSource);
    const event = acceptedEvent({ item, orders: 1 });
    const [order] = event.orders;
    await batch.apply([{ event, offset: 0n }]);
    const wish = cancelEvent({ item, order: order!, sequence: 2 });
    const result = bookedItem(await parking.park(poison(wish), 'poison'));
    expect(result).toMatchObject({ untold: [], settlement: { watermark: 2, states: [] } });
    await batch.apply([{ event: wish, offset: 8n }]);
    expect(await reader.order(order!.orderId)).toMatchObject({
      ...{ state: 'confirmed', cancelEpoch: 1, cancelSequence: 2, gateEpoch: null },
    });
    expect(await ledgerOf(item)).toMatchObject({ held: 1, parked: 0, watermark: 2 });
    expect(await newestMessage()).toMatchObject({ ...item, firstSequence: 2, orderCount: 0, booked: 0 });
    expect(await reader.missingEvents(item, [event, wish])).toEqual([]);
  });

  it('keeps a wish that meets no order, and leaves its sequence to the sweeper', async () => {
    const item = await newItem(5);
    const lost = acceptedEvent({ item, orders: 1 });
    const wish = cancelEvent({ item, order: lost.orders[0]!, sequence: 2 });
    expect(bookedItem(await parking.park(poison(wish), 'poison')).counts).toMatchObject({ unmetIntents: 1 });
    expect(await ledgerOf(item)).toMatchObject({ watermark: 0, ahead: [] });
    expect(await reader.missingEvents(item, [lost, wish])).toEqual([lost, wish]);
  });

  it('puts an order aside that a wish to cancel then ends, with what was booked', async () => {
    const item = await newItem(1);
    const event = acceptedEvent({ item, orders: [{ quantity: 2 }] });
    const [order] = event.orders;
    await parking.park(poison(event), 'poison');
    expect(await ledgerOf(item)).toMatchObject({ parked: 1 });
    const wish = cancelEvent({ item, order: order!, sequence: 2 });
    await new BatchTransaction(database.dataSource).apply([{ event: wish, offset: 8n }]);
    expect(await ledgerOf(item)).toMatchObject({ parked: 0, held: 0, watermark: 2 });
    expect(await reader.order(order!.orderId)).toMatchObject({ state: 'cancelled', booked: 0, gateUnits: 1 });
    await parking.park(poison(event), 'poison');
    expect(await ledgerOf(item)).toMatchObject({ parked: 0, held: 0, watermark: 2 });
  });

  it('keeps a message without key and body', async () => {
    await parking.park(
      { topic: randomId('t'), partition: 0, offset: 0n, key: undefined, value: undefined, headers: {} },
      'x',
    );
    expect(await newestMessage()).toMatchObject({ key: null, value: null });
  });
});
