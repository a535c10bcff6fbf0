import type { ItemRef } from '@flux/contracts';
import type { BatchAnswer } from '@flux/kafka';
import { BatchTransaction, LedgerReader, Suspensions, TellGate } from '@flux/ledger';
import { createLog, Metrics } from '@flux/telemetry';
import { kafkaBatch, kafkaMessage, prove, purchase, removeData, SaleWorld, waitUntil } from '@flux/testing';
import { ConfirmationDelay } from './confirmation-delay';
import { OrdersAcceptedHandler } from './orders-accepted.handler';
import { OrdersMetrics } from './orders.metrics';
import { SettleService } from './settle.service';

const DONE: BatchAnswer = { next: 'done' };

let world: SaleWorld;
let handler: OrdersAcceptedHandler;
let batches: BatchTransaction;
let reader: LedgerReader;
let registry: Metrics;

beforeAll(async () => {
  world = await SaleWorld.start();
  const limited = await world.database.connect({ config: { FLUX_DATABASE_LOCK_TIMEOUT_MS: 100 } });
  const log = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'orders');
  registry = new Metrics('orders');
  const metrics = new OrdersMetrics(registry);
  batches = new BatchTransaction(limited);
  reader = new LedgerReader(limited);
  const suspensions = new Suspensions(limited);
  const { gate, outboxes } = world.clients;
  const tellGate = new TellGate(limited, gate);
  const settles = new SettleService(gate, outboxes, reader, tellGate, suspensions, metrics, log);
  handler = new OrdersAcceptedHandler(batches, settles, metrics, new ConfirmationDelay(), log);
});
afterAll(() => world.stop());

async function gateOf(item: ItemRef) {
  return (await world.clients.gate.readItem(item))!;
}

async function ledgerOf(item: ItemRef) {
  return (await reader.ledger(item))!;
}

async function redisIsBack(): Promise<void> {
  await waitUntil('the gate is connected again', () => world.clients.gate.isReady());
}

describe('a batch of accepted orders', () => {
  it('is committed and settled: 500 orders read as confirmed and leave the outbox', async () => {
    const item = await world.openItem({ stock: 500 });
    const events = await world.accept(item, 500);
    expect(await handler.handle(kafkaBatch(...events))).toEqual(DONE);
    expect(new Set(await world.statuses(events))).toEqual(new Set(['confirmed']));
    expect(await gateOf(item)).toMatchObject({ watermark: 500, outboxLength: 0, available: 0 });
    expect(await ledgerOf(item)).toMatchObject({ held: 500, watermark: 500 });
  });

  it('confirms what the ledger has and rejects the surplus of a gate that forgot decrements', async () => {
    const item = await world.openItem({ stock: 3, gateStock: 10 });
    const events = await world.accept(item, [
      { shopperId: 'a', quantity: 2 },
      { shopperId: 'b', quantity: 2 },
      { shopperId: 'c' },
      { shopperId: 'd' },
    ]);
    expect(await handler.handle(kafkaBatch(...events))).toEqual(DONE);
    expect(await world.statuses(events)).toEqual(['confirmed', 'rejected', 'confirmed', 'rejected']);
    const units: Record<string, number> = {};
    for await (const { shopperId, units: has } of world.clients.gate.shoppersOf(item)) units[shopperId] = has;
    expect(units).toEqual({ a: 2, b: 0, c: 1, d: 0 });
    expect(await gateOf(item)).toMatchObject({ outboxLength: 0, available: 4 });
    expect(await handler.handle(kafkaBatch(...events))).toEqual(DONE);
    expect(await ledgerOf(item)).toMatchObject({ held: 3 });
  });

  it('is settled by its redelivery when the process died after the commit', async () => {
    const item = await world.openItem({ stock: 1, gateStock: 2 });
    const events = await world.accept(item, 2);
    await batches.apply(events.map((event) => ({ event, offset: 0n })));
    expect(await world.statuses(events)).toEqual(['accepted', 'accepted']);
    expect(await handler.handle(kafkaBatch(...events))).toEqual(DONE);
    expect(await world.statuses(events)).toEqual(['confirmed', 'rejected']);
    expect(await ledgerOf(item)).toMatchObject({ held: 1, watermark: 2 });
  });

  it('lets the watermark wait at a gap and jump when it is filled, with every state written', async () => {
    const item = await world.openItem({ stock: 5, gateStock: 10 });
    const [first] = await world.accept(item, 2);
    const [lost] = await world.accept(item, 2);
    const [surplus] = await world.accept(item, [{ quantity: 4 }, { quantity: 1 }]);
    await handler.handle(kafkaBatch(first!));
    await handler.handle(kafkaBatch(surplus!));
    expect(await world.statuses([first!, lost!, surplus!])).toEqual([
      ...['confirmed', 'confirmed'],
      ...['accepted', 'accepted'],
      ...['rejected', 'accepted'],
    ]);
    expect(await gateOf(item)).toMatchObject({ watermark: 2, outboxLength: 2 });
    await handler.handle(kafkaBatch(lost!));
    expect(await world.statuses([first!, lost!, surplus!])).toEqual([
      ...['confirmed', 'confirmed'],
      ...['confirmed', 'confirmed'],
      ...['rejected', 'confirmed'],
    ]);
    expect(await gateOf(item)).toMatchObject({ watermark: 6, outboxLength: 0 });
  });

  it('never lets a rejected order read as confirmed when its settle was lost and a later one goes through', async () => {
    const item = await world.openItem({ stock: 1, gateStock: 10 });
    const lost = await world.accept(item, 3);
    await batches.apply(lost.map((event) => ({ event, offset: 0n })));
    const later = await world.accept(item, 1);
    expect(await handler.handle(kafkaBatch(...later))).toEqual(DONE);
    expect(await world.statuses([...lost, ...later])).toEqual([
      'confirmed',
      'rejected',
      'rejected',
      'rejected',
    ]);
    expect(await gateOf(item)).toMatchObject({ watermark: 4, outboxLength: 0 });
  });

  it('is done while Redis is down, and a gap bridged meanwhile hides no state', async () => {
    const item = await world.openItem({ stock: 2, gateStock: 10 });
    const [first] = await world.accept(item, 2);
    const [surplus] = await world.accept(item, [{ quantity: 3 }]);
    await world.redis.stop();
    expect(await handler.handle(kafkaBatch(surplus!))).toEqual(DONE);
    await world.redis.restart();
    await redisIsBack();
    expect(await world.statuses([surplus!])).toEqual(['accepted']);
    expect(await handler.handle(kafkaBatch(first!))).toEqual(DONE);
    expect(await world.statuses([first!, surplus!])).toEqual(['confirmed', 'confirmed', 'rejected']);
  });
});

describe('a wish to cancel', () => {
  it('ends its order: the gate has unit and count back, the outbox is empty, the unit sells again', async () => {
    const item = await world.openItem({ stock: 1, perShopperLimit: 1 });
    const [event] = await world.accept(item, [{ shopperId: 'ada' }]);
    await handler.handle(kafkaBatch(event!));
    const wish = await world.cancel(item, event!.orders[0]!);
    expect(await world.statuses([event!])).toEqual(['confirmed']);
    expect(await handler.handle(kafkaBatch(wish))).toEqual(DONE);
    expect(await world.statuses([event!])).toEqual(['cancelled']);
    expect(await gateOf(item)).toMatchObject({ available: 1, watermark: 2, outboxLength: 0 });
    const [anew] = await world.accept(item, [{ shopperId: 'ada' }]);
    expect(await handler.handle(kafkaBatch(event!, wish, anew!, wish))).toEqual(DONE);
    expect(await world.statuses([event!, anew!])).toEqual(['cancelled', 'confirmed']);
    expect(await ledgerOf(item)).toMatchObject({ held: 1, watermark: 3 });
    expect(await gateOf(item)).toMatchObject({ available: 0, watermark: 3, outboxLength: 0 });
  });

  it('in the batch of its order ends it before it ever read as confirmed', async () => {
    const item = await world.openItem({ stock: 2 });
    const [event] = await world.accept(item, [{ shopperId: 'ada', quantity: 2 }]);
    const wish = await world.cancel(item, event!.orders[0]!);
    expect(await handler.handle(kafkaBatch(event!, wish))).toEqual(DONE);
    expect(await world.statuses([event!])).toEqual(['cancelled']);
    expect(await gateOf(item)).toMatchObject({ available: 2, watermark: 2, outboxLength: 0 });
    expect(await ledgerOf(item)).toMatchObject({ held: 0, watermark: 2, watermarkOrderId: wish.orderId });
  });

  it('that came before its order waits for both, and nothing reads as confirmed in between', async () => {
    const item = await world.openItem({ stock: 5 });
    const [lost] = await world.accept(item, [{ shopperId: 'ada' }]);
    const wish = await world.cancel(item, lost!.orders[0]!);
    const [after] = await world.accept(item, 1);
    await handler.handle(kafkaBatch(wish, after!));
    expect(await world.statuses([lost!, after!])).toEqual(['accepted', 'accepted']);
    expect(await gateOf(item)).toMatchObject({ watermark: 0, outboxLength: 3 });
    await handler.handle(kafkaBatch(lost!, wish));
    expect(await world.statuses([lost!, after!])).toEqual(['cancelled', 'confirmed']);
    expect(await gateOf(item)).toMatchObject({ available: 4, watermark: 3, outboxLength: 0 });
  });

  it('is told to a gate that was away, and only then settled over', async () => {
    const item = await world.openItem({ stock: 3 });
    const [event] = await world.accept(item, [{ shopperId: 'ada' }]);
    const wish = await world.cancel(item, event!.orders[0]!);
    await world.redis.stop();
    expect(await handler.handle(kafkaBatch(event!, wish))).toEqual(DONE);
    await world.redis.restart();
    await redisIsBack();
    await prove(world.clients.connection, item);
    expect(await world.statuses([event!])).toEqual(['accepted']);
    // Its state comes with the next settle, which finds the gate behind; its unit when the gate is told.
    const [later] = await world.accept(item, 1);
    expect(await handler.handle(kafkaBatch(later!))).toEqual(DONE);
    expect(await world.statuses([event!, later!])).toEqual(['cancelled', 'confirmed']);
    expect(await gateOf(item)).toMatchObject({ available: 1, watermark: 3, outboxLength: 0 });
    await new TellGate(world.database.dataSource, world.clients.gate).tellDue(10, 0);
    expect(await gateOf(item)).toMatchObject({ available: 2 });
  });
});

describe('a gate that is behind', () => {
  it('is caught up by what its outbox holds: states of now, and when each order was confirmed', async () => {
    const item = await world.openItem({ stock: 3, gateStock: 400 });
    const first = await world.accept(item, 2);
    const events = [...first];
    await batches.apply(first.map((event) => ({ event, offset: 0n })));
    // Many steps: an event each.
    for (let index = 0; index < 120; index += 1) events.push(...(await world.accept(item, 1)));
    await batches.apply(events.map((event) => ({ event, offset: 0n })));
    expect(new Set(await world.statuses(events))).toEqual(new Set(['accepted']));
    const [last] = await world.accept(item, 1);
    expect(await handler.handle(kafkaBatch(last!))).toEqual(DONE);
    const statuses = await world.statuses(events);
    expect(statuses.slice(0, 3)).toEqual(['confirmed', 'confirmed', 'confirmed']);
    expect(new Set(statuses.slice(3))).toEqual(new Set(['rejected']));
    expect(await gateOf(item)).toMatchObject({ watermark: 123, outboxLength: 0 });
    for (const { orderId } of events.slice(0, 2).flatMap(({ orders }) => orders)) {
      const read = await world.clients.gate.readOrder(orderId);
      const row = await reader.order(orderId);
      expect(read.outcome === 'order' && read.order.updatedAtMs).toBe(row!.decidedAt.getTime());
    }
  });
});

describe('what cannot be processed', () => {
  it.each([
    ['has no body', { value: undefined }, 'there is no body'],
    ['is no JSON', { value: Buffer.from('{') }, 'the body is not JSON'],
    [
      'is of another type',
      { value: Buffer.from('{"type":"orders-accepted.v2"}') },
      'not an event of an item',
    ],
    ['has no key', { key: undefined }, 'the key is not the product id'],
    ['has another key', { key: 'other' }, 'the key is not the product id'],
  ])('a message that %s is for parking, and its batch has no effect', async (_, changes, reason) => {
    const item = await world.openItem({ stock: 5 });
    const [good] = await world.accept(item, 1);
    const [bad] = await world.accept(item, 1);
    const answer = await handler.handle(kafkaBatch(good!, kafkaMessage(bad!, changes)));
    expect(answer).toMatchObject({ next: 'park', reason: expect.stringContaining(reason) as string });
    expect(await ledgerOf(item)).toMatchObject({ held: 0, watermark: 0 });
  });

  it('an unknown item is for parking, as are data that PostgreSQL refuses', async () => {
    const item = await world.openItem({ stock: 5 });
    const [event] = await world.accept(item, 1);
    const unknown = {
      ...event!,
      saleId: 'no',
      orders: event!.orders.map((order) => ({
        ...order,
        orderId: `no.${item.productId}.${order.orderId.slice(-22)}`,
      })),
    };
    expect(await handler.handle(kafkaBatch(unknown))).toEqual({
      next: 'park',
      reason: 'the item is not known',
    });
    await world.database.dataSource.query('ALTER TABLE orders ADD CONSTRAINT none CHECK (false) NOT VALID');
    try {
      expect(await handler.handle(kafkaBatch(event!))).toMatchObject({
        next: 'park',
        reason: expect.stringContaining('23514') as string,
      });
    } finally {
      await world.database.dataSource.query('ALTER TABLE orders DROP CONSTRAINT none');
    }
  });
});

describe('an outage of PostgreSQL', () => {
  it('is a reason to retry, never to park: a row that another transaction holds', async () => {
    const item = await world.openItem({ stock: 5 });
    const events = await world.accept(item, 2);
    const holder = world.database.dataSource.createQueryRunner();
    await holder.startTransaction();
    await holder.query('SELECT 1 FROM ledger WHERE sale_id = $1 FOR UPDATE', [item.saleId]);
    const answer = await handler.handle(kafkaBatch(...events));
    expect(answer).toEqual({ next: 'retry', reason: 'QueryFailedError 55P03' });
    await holder.rollbackTransaction();
    await holder.release();
    expect(await handler.handle(kafkaBatch(...events))).toEqual(DONE);
  });

  it('is a reason to retry: a connection that is killed in the middle', async () => {
    const item = await world.openItem({ stock: 5 });
    const events = await world.accept(item, 2);
    const holder = world.database.dataSource.createQueryRunner();
    await holder.startTransaction();
    await holder.query('SELECT 1 FROM ledger WHERE sale_id = $1 FOR UPDATE', [item.saleId]);
    const handling = handler.handle(kafkaBatch(...events));
    await waitUntil('the batch waits for the row', async () => {
      const killed = (await holder.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
      )) as unknown[];
      return killed.length > 0;
    });
    expect(await handling).toMatchObject({ next: 'retry' });
    await holder.rollbackTransaction();
    await holder.release();
    expect(await handler.handle(kafkaBatch(...events))).toEqual(DONE);
    expect(await world.statuses(events)).toEqual(['confirmed', 'confirmed']);
  });
});

describe('a gate that went back in time', () => {
  it('is suspended when a sequence comes again under another order', async () => {
    const item = await world.openItem({ stock: 10 });
    const before = await world.redis.copyData();
    const lost = await world.accept(item, 2);
    await handler.handle(kafkaBatch(...lost));
    await world.redis.restoreData(before);
    await removeData(before);
    await redisIsBack();
    // What the ledger has was still on its way when the gate was proven.
    await prove(world.clients.connection, item);

    const anew = await world.clients.gate.reserve(purchase(item));
    expect(anew.outcome).toBe('accepted');
    const [entry] = await world.clients.outboxes.read(item, { after: '0-0', count: 1 });
    const event = entry!.outcome === 'event' ? entry!.event : undefined;
    expect(event).toMatchObject({ firstSequence: 1 });
    expect(await handler.handle(kafkaBatch(event!))).toEqual(DONE);

    expect(await ledgerOf(item)).toMatchObject({
      held: 3,
      watermark: 2,
      suspendedReason: 'a sequence came again under another order id',
    });
    expect(await gateOf(item)).toMatchObject({ state: 'suspended', outboxLength: 1 });
    expect((await world.clients.gate.reserve(purchase(item))).outcome).toBe('notReady');
  });

  it('is suspended when a wish to cancel has a sequence that the ledger gave to another order', async () => {
    const item = await world.openItem({ stock: 10 });
    const [kept] = await world.accept(item, 1);
    await handler.handle(kafkaBatch(kept!));
    const before = await world.redis.copyData();
    const lost = await world.accept(item, 1);
    await handler.handle(kafkaBatch(...lost));
    await world.redis.restoreData(before);
    await removeData(before);
    await redisIsBack();
    await prove(world.clients.connection, item);
    expect((await world.clients.gate.cancel(kept!.orders[0]!)).outcome).toBe('requested');
    const [entry] = await world.clients.outboxes.read(item, { after: '0-0', count: 1 });
    const wish = entry!.outcome === 'event' ? entry!.event : undefined;
    expect(wish).toMatchObject({ type: 'cancel-requested.v1', firstSequence: 2 });
    expect(await handler.handle(kafkaBatch(wish!))).toEqual(DONE);
    expect(await ledgerOf(item)).toMatchObject({
      suspendedReason: 'a sequence came again under another order id',
    });
    expect(await gateOf(item)).toMatchObject({ state: 'suspended' });
  });

  it('is suspended, and so noted in the ledger, when settle does not find the order at the watermark', async () => {
    const item = await world.openItem({ stock: 10 });
    const before = await world.redis.copyData();
    const lost = await world.accept(item, 2);
    await world.redis.restoreData(before);
    await removeData(before);
    await redisIsBack();
    expect(await handler.handle(kafkaBatch(...lost))).toEqual(DONE);
    expect(await ledgerOf(item)).toMatchObject({
      held: 2,
      suspendedReason: 'the gate does not know the order at the watermark',
    });
    expect(await gateOf(item)).toMatchObject({ state: 'suspended' });
  });
});

describe('the metrics', () => {
  it('count decisions, batches and settles', async () => {
    const { text } = await registry.render();
    for (const name of [
      'flux_batch_transaction_seconds_count',
      'flux_batch_orders_sum',
      'flux_accepted_to_confirmed_seconds_count',
      'flux_orders_confirmed_total',
      'flux_orders_rejected_total{reason="no-units"',
      'flux_settles_total{outcome="settled"',
      'flux_settles_total{outcome="behind"',
      'flux_gate_rewound_total',
    ]) {
      expect(text).toContain(name);
    }
  });
});
