import { encodeItemEvent, type ItemEvent, type ItemRef, type OrdersAccepted } from '@flux/contracts';
import { acceptedEvent, randomId, SaleWorld, type ItemOptions } from '@flux/testing';
import type { DataSource } from 'typeorm';
import { BatchTransaction } from '../src/batch-transaction';
import { LedgerEntity } from '../src/entities/ledger.entity';
import { OrderEntity } from '../src/entities/order.entity';
import { ParkedMessageEntity } from '../src/entities/parked-message.entity';
import { Parking, type UnprocessableMessage } from '../src/parking';
import { ParkingResolution } from '../src/parking-resolution';
import { TellGate } from '../src/tell-gate';

let world: SaleWorld;
let parking: Parking;
let batches: BatchTransaction;
let resolution: ParkingResolution;

beforeAll(async () => {
  world = await SaleWorld.start();
  parking = new Parking(world.database.dataSource);
  batches = new BatchTransaction(world.database.dataSource);
  resolution = process(world.database.dataSource);
});
afterAll(() => world.stop());

/** A process of its own, to PostgreSQL. */
function process(dataSource: DataSource): ParkingResolution {
  const { gate } = world.clients;
  return new ParkingResolution(dataSource, new TellGate(dataSource, gate), gate);
}

/** An event's message that came at offset 7 with a body that cannot be read. */
function poison(event: ItemEvent, changes: Partial<UnprocessableMessage> = {}): UnprocessableMessage {
  const { key, headers } = encodeItemEvent(event);
  const place = { topic: randomId('topic'), partition: 0, offset: 7n };
  return { ...place, key, value: Buffer.from('{'), headers, ...changes };
}

/** Puts a message aside, as an orders process does, and tells the gate. @returns its id */
async function park(message: UnprocessableMessage): Promise<string> {
  const parked = await parking.park(message, 'poison');
  if (parked.outcome === 'booked' && parked.item.settlement !== undefined) {
    await world.clients.gate.settle(parked.item.settlement);
  }
  const { topic } = message;
  const rows = await world.database.dataSource
    .getRepository(ParkedMessageEntity)
    .find({ where: { topic }, order: { id: 'DESC' } });
  return rows[0]!.id;
}

async function settle(...events: readonly ItemEvent[]): Promise<void> {
  const applied = await batches.apply(events.map((event) => ({ event, offset: 0n })));
  if (applied.outcome === 'refused') throw new Error(applied.reason);
  for (const { settlement } of applied.items) {
    if (settlement !== undefined) await world.clients.gate.settle(settlement);
  }
}

async function ledgerOf(item: ItemRef): Promise<LedgerEntity> {
  return world.database.dataSource.getRepository(LedgerEntity).findOneByOrFail({ ...item });
}

async function orderOf(orderId: string): Promise<OrderEntity> {
  return world.database.dataSource.getRepository(OrderEntity).findOneByOrFail({ orderId });
}

async function messageOf(id: string): Promise<ParkedMessageEntity> {
  return world.database.dataSource.getRepository(ParkedMessageEntity).findOneByOrFail({ id });
}

/** Units that the gate can still give, and those that it has counted for a shopper. */
async function gateOf(item: ItemRef, shopperId = '') {
  const gate = await world.clients.gate.readItem(item);
  let units = 0;
  for await (const shopper of world.clients.gate.shoppersOf(item)) {
    if (shopper.shopperId === shopperId) units = shopper.units;
  }
  return { available: gate?.available, units };
}

/** An item with one parked message of one order. */
async function parkedOrder(options: ItemOptions, quantity = 1) {
  const item = await world.openItem(options);
  const [event] = await world.accept(item, [{ shopperId: 'ada', quantity }]);
  const [order] = event!.orders;
  return { item, event: event!, orderId: order!.orderId, id: await park(poison(event!)) };
}

/** Every unit is somewhere: free at the gate, held, parked or sold. */
async function expectBalanced(item: ItemRef): Promise<void> {
  const { initial, held, parked, sold } = await ledgerOf(item);
  expect((await gateOf(item)).available).toBe(initial - held - parked - sold);
}

describe('a retry', () => {
  it('confirms what is parked: the booking becomes a hold that begins now, and the gate hears of it', async () => {
    const { item, event, orderId, id } = await parkedOrder({ stock: 5 }, 2);
    expect(await world.statuses([event])).toEqual(['accepted']);
    expect(await resolution.retry(id)).toEqual({ outcome: 'retried', confirmed: 1, waiting: 0 });
    expect(await ledgerOf(item)).toMatchObject({ held: 2, parked: 0 });
    const row = await orderOf(orderId);
    expect(row).toMatchObject({
      state: 'confirmed',
      booked: 0,
      gateEpoch: null,
      history: [{ status: 'accepted' }],
    });
    expect(row.holdUntil!.getTime() - row.decidedAt.getTime()).toBe(600_000);
    expect(await world.statuses([event])).toEqual(['confirmed']);
    expect(await messageOf(id)).toMatchObject({ state: 'retried', resolvedAt: expect.any(Date) as Date });
    await expectBalanced(item);
  });

  it('takes what a booking lacks, and leaves parked what does not fit, until it does', async () => {
    const item = await world.openItem({ stock: 3, gateStock: 9 });
    const [event] = await world.accept(item, [
      { shopperId: 'ada', quantity: 2 },
      { shopperId: 'bob', quantity: 2 },
    ]);
    const id = await park(poison(event!));
    const [ada, bob] = event!.orders;
    expect(await orderOf(bob!.orderId)).toMatchObject({ booked: 1 });
    expect(await resolution.retry(id)).toEqual({ outcome: 'retried', confirmed: 1, waiting: 1 });
    expect(await ledgerOf(item)).toMatchObject({ held: 2, parked: 1 });
    expect(await messageOf(id)).toMatchObject({ state: 'parked', resolvedAt: null });
    expect(await resolution.retry(id)).toEqual({ outcome: 'retried', confirmed: 0, waiting: 1 });

    await settle(await world.cancel(item, ada!));
    expect(await resolution.retry(id)).toEqual({ outcome: 'retried', confirmed: 1, waiting: 0 });
    expect(await ledgerOf(item)).toMatchObject({ held: 2, parked: 0 });
    expect(await resolution.retry(id)).toEqual({ outcome: 'resolved', state: 'retried' });
  });

  it("keeps to the shopper's limit; two parked orders of a shopper do not keep each other waiting", async () => {
    const item = await world.openItem({ stock: 9, perShopperLimit: 2 });
    const ada = { shopperId: 'ada', quantity: 2 };
    const ids = await Promise.all(
      [1, 2].map((firstSequence) => park(poison(acceptedEvent({ item, firstSequence, orders: [ada] })))),
    );
    expect(await resolution.retry(ids[0]!)).toMatchObject({ confirmed: 1, waiting: 0 });
    expect(await resolution.retry(ids[1]!)).toMatchObject({ confirmed: 0, waiting: 1 });
    expect(await ledgerOf(item)).toMatchObject({ held: 2, parked: 2 });
  });

  it('leaves alone an order that an intent has ended, and a redelivery changes nothing after it', async () => {
    const { item, event, id } = await parkedOrder({ stock: 5 });
    const wish = await world.cancel(item, event.orders[0]!);
    await settle(wish);
    expect(await resolution.retry(id)).toEqual({ outcome: 'retried', confirmed: 0, waiting: 0 });
    await settle(event, wish);
    expect(await ledgerOf(item)).toMatchObject({ held: 0, parked: 0, watermark: 2 });
    expect(await world.statuses([event])).toEqual(['cancelled']);
  });

  it('of a copy that put nothing aside touches nothing', async () => {
    const { item, event, orderId, id } = await parkedOrder({ stock: 5 });
    const copy = await park(poison(event));
    expect(await resolution.discard(copy, 'op')).toEqual({ outcome: 'discarded', cancelled: 0 });
    expect(await orderOf(orderId)).toMatchObject({ state: 'parked', booked: 1 });
    expect(await resolution.retry(id)).toMatchObject({ confirmed: 1 });
    expect(await ledgerOf(item)).toMatchObject({ held: 1, parked: 0 });
  });

  it('does what a parked wish to cancel asked for, once, and gives the unit back', async () => {
    const item = await world.openItem({ stock: 5 });
    const [event] = await world.accept(item, [{ shopperId: 'ada', quantity: 2 }]);
    await settle(event!);
    const wish = await world.cancel(item, event!.orders[0]!);
    const id = await park(poison(wish));
    expect(await world.statuses([event!])).toEqual(['confirmed']);
    expect(await resolution.retry(id)).toEqual({ outcome: 'retried', confirmed: 0, waiting: 0 });
    expect(await world.statuses([event!])).toEqual(['cancelled']);
    expect(await gateOf(item, 'ada')).toEqual({ available: 5, units: 0 });
    await expectBalanced(item);
    expect(await resolution.retry(id)).toEqual({ outcome: 'resolved', state: 'retried' });
  });

  it('of a wish finds the order paid meanwhile, and leaves it so', async () => {
    const item = await world.openItem({ stock: 5 });
    const [event] = await world.accept(item, [{ shopperId: 'ada' }]);
    await settle(event!);
    const id = await park(poison(await world.cancel(item, event!.orders[0]!)));
    await world.database.dataSource.query(
      "UPDATE orders SET state = 'paid', hold_until = NULL WHERE order_id = $1",
      [event!.orders[0]!.orderId],
    );
    expect(await resolution.retry(id)).toMatchObject({ outcome: 'retried' });
    expect(await orderOf(event!.orders[0]!.orderId)).toMatchObject({ state: 'paid', gateEpoch: null });
  });

  it('applies a message anew that had booked nothing, at its own offset', async () => {
    const item = await world.openItem({ stock: 5 });
    const [event] = await world.accept(item, [{ shopperId: 'ada' }]);
    const value = Buffer.from(encodeItemEvent(event!).value);
    const id = await park(poison(event!, { headers: {}, value }));
    expect(await messageOf(id)).toMatchObject({ saleId: null, orderCount: 0 });
    expect(await resolution.retry(id)).toEqual({ outcome: 'retried', confirmed: 1, waiting: 0 });
    expect(await ledgerOf(item)).toMatchObject({ held: 1, watermark: 1 });
    expect(await world.statuses([event!])).toEqual(['confirmed']);
    expect((await world.clients.gate.readItem(item))!.outboxLength).toBe(0);
  });

  it('of a wish that had met no order says so until the order has come, then cancels it', async () => {
    const item = await world.openItem({ stock: 5 });
    const [event] = await world.accept(item, [{ shopperId: 'ada' }]);
    const id = await park(poison(await world.cancel(item, event!.orders[0]!)));
    expect(await resolution.retry(id)).toMatchObject({ outcome: 'stillUnprocessable' });
    await settle(event!);
    expect(await resolution.retry(id)).toMatchObject({ outcome: 'retried' });
    expect(await ledgerOf(item)).toMatchObject({ held: 0, watermark: 2 });
    expect(await gateOf(item, 'ada')).toEqual({ available: 5, units: 0 });
  });

  it('does not revive a wish of an epoch that had ended when it came', async () => {
    const item = await world.openItem({ stock: 5 });
    const [event] = await world.accept(item, [{ shopperId: 'ada' }]);
    await settle(event!);
    const id = await park(poison(await world.cancel(item, event!.orders[0]!)));
    await world.database.dataSource
      .getRepository(LedgerEntity)
      .update({ ...item }, { epoch: 2, epochOffset: '6' });
    expect(await resolution.retry(id)).toMatchObject({ outcome: 'retried' });
    expect(await orderOf(event!.orders[0]!.orderId)).toMatchObject({ state: 'confirmed' });
  });

  it.each([
    ['that nothing can be read of', { headers: {} }, 'neither body nor headers'],
    ['with another key', { headers: {}, key: 'other' }, 'the key is not the product id'],
  ])('of a message %s is refused, and the message stays', async (_, changes, reason) => {
    const item = await world.openItem({ stock: 5 });
    const event = acceptedEvent({ item, orders: 1 });
    const readable = 'key' in changes ? { value: Buffer.from(encodeItemEvent(event).value) } : {};
    const id = await park(poison(event, { ...changes, ...readable }));
    expect(await resolution.retry(id)).toMatchObject({
      outcome: 'stillUnprocessable',
      reason: expect.stringContaining(reason) as string,
    });
    expect(await messageOf(id)).toMatchObject({ state: 'parked' });
    expect(await resolution.discard(id, 'op')).toEqual({ outcome: 'discarded', cancelled: 0 });
  });

  it('of an item that is not known, of data that PostgreSQL refuses, and of no message is answered', async () => {
    const event = acceptedEvent({ item: { saleId: 'no', productId: 'no' }, orders: 1 });
    const id = await park(poison(event));
    expect(await resolution.retry(id)).toEqual({
      outcome: 'stillUnprocessable',
      reason: 'the item is not known',
    });
    const item = await world.openItem({ stock: 5 });
    const newer = acceptedEvent({ item, epoch: 2, orders: 1 });
    const early = await park(poison(newer, { headers: {}, value: Buffer.from(JSON.stringify(newer)) }));
    expect(await resolution.retry(early)).toMatchObject({ outcome: 'stillUnprocessable' });
    for (const unknown of ['0', '9'.repeat(30), 'x', '']) {
      expect(await resolution.retry(unknown)).toEqual({ outcome: 'unknownMessage' });
      expect(await resolution.discard(unknown, 'op')).toEqual({ outcome: 'unknownMessage' });
    }
  });
});

describe('a discard', () => {
  it('cancels what is parked, by name, and gives units and count back', async () => {
    const { item, event, orderId, id } = await parkedOrder({ stock: 5 }, 2);
    expect(await gateOf(item, 'ada')).toEqual({ available: 3, units: 2 });
    expect(await resolution.discard(id, 'olga')).toEqual({ outcome: 'discarded', cancelled: 1 });
    expect(await orderOf(orderId)).toMatchObject({
      state: 'cancelled',
      reason: 'discarded by olga',
      booked: 0,
    });
    expect(await ledgerOf(item)).toMatchObject({ parked: 0, held: 0 });
    expect(await world.statuses([event])).toEqual(['cancelled']);
    expect(await gateOf(item, 'ada')).toEqual({ available: 5, units: 0 });
    expect(await messageOf(id)).toMatchObject({ state: 'discarded' });
    expect(await resolution.discard(id, 'olga')).toEqual({ outcome: 'resolved', state: 'discarded' });
    expect(await resolution.retry(id)).toEqual({ outcome: 'resolved', state: 'discarded' });
    await settle(event);
    expect(await ledgerOf(item)).toMatchObject({ parked: 0, held: 0 });
  });

  it('gives back only what the ledger had booked', async () => {
    const { item, id } = await parkedOrder({ stock: 1, gateStock: 4 }, 2);
    expect(await resolution.discard(id, 'op')).toMatchObject({ cancelled: 1 });
    expect(await gateOf(item, 'ada')).toEqual({ available: 3, units: 0 });
    expect(await ledgerOf(item)).toMatchObject({ parked: 0 });
  });
});

describe('beside each other', () => {
  it('retry, discard, intent and redelivery end every order once, whoever is first', async () => {
    const item = await world.openItem({ stock: 40 });
    const processes = await Promise.all([1, 2, 3, 4].map(() => world.database.connect()));
    const [retrying, discarding, again] = processes.map(process);
    const batch = new BatchTransaction(processes[3]!);
    const rounds: OrdersAccepted[] = [];
    for (let round = 0; round < 10; round += 1) {
      const [event] = await world.accept(item, [{ shopperId: `s${round}`, quantity: 2 }]);
      const id = await park(poison(event!));
      const wish = await world.cancel(item, event!.orders[0]!);
      await Promise.all([
        retrying!.retry(id),
        discarding!.discard(id, 'op'),
        again!.retry(id),
        batch.apply([event!, wish].map((placed) => ({ event: placed, offset: 8n }))),
      ]);
      rounds.push(event!);
    }
    const orders = await Promise.all(rounds.map(({ orders: [order] }) => orderOf(order!.orderId)));
    for (const { state, history } of orders) {
      // Retried first and cancelled then, or ended at once: the intent came in any case.
      expect(state).toBe('cancelled');
      expect([1, 2]).toContain(history?.length);
    }
    expect(await ledgerOf(item)).toMatchObject({ held: 0, parked: 0, sold: 0, watermark: 20 });
    await new TellGate(world.database.dataSource, world.clients.gate).tellDue(100, 0);
    await settle(...rounds);
    expect(new Set(await world.statuses(rounds))).toEqual(new Set(['cancelled']));
    expect((await gateOf(item)).available).toBe(40);
  });
});
