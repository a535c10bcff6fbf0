import type { ItemRef } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { GateRepairEntity, LedgerEntity, OrderEntity, Payments, StockChangeEntity } from '@flux/ledger';
import { randomId, waitUntil } from '@flux/testing';
import { ExhaustedItems } from '../src/exhaust/exhausted-items.service';
import { MaintenanceLoop } from '../src/maintenance/maintenance.loop';
import { AdminWorld } from './admin.world';
import { HALF_DONE } from './drift.world';
import { OrderLife } from './order-life';

jest.setTimeout(60_000);

describe('an item of which nothing is left', () => {
  let world: AdminWorld;
  let life: OrderLife;
  beforeAll(async () => {
    world = await AdminWorld.start();
    life = new OrderLife(world);
  });
  afterAll(() => world.stop());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  async function round(): Promise<void> {
    await world.app.get(ExhaustedItems).tellAll();
  }

  /** Whether those in line are told that it is over, after one more round. */
  async function isOver(item: ItemRef): Promise<boolean | undefined> {
    await round();
    return (await world.gate.readItem(item))?.isExhausted;
  }

  async function pay(orderId: string): Promise<void> {
    const money = { paymentId: randomId('pi'), amountMinor: 1_999, currency: 'EUR' };
    const { outcome } = await world.app.get(Payments).pay({ orderId, ...money });
    if (outcome !== 'paid') throw new Error(outcome);
    await life.tellGate();
  }

  async function soldOut(stock = 1): Promise<ItemRef> {
    const item = await world.openSale(stock);
    for (let unit = 0; unit < stock; unit += 1) await pay(await life.confirmed(item));
    return item;
  }

  it('is over once every order is paid, and not before', async () => {
    const item = await world.openSale(3);
    expect(await isOver(item)).toBe(false);
    const first = await life.confirmed(item);
    const second = await life.confirmed(item);
    const third = await life.accepted(item);
    expect(await isOver(item)).toBe(false);
    await life.settleAll(item);
    expect(await isOver(item)).toBe(false);
    await pay(first);
    await pay(second);
    expect(await isOver(item)).toBe(false);
    await pay(third);
    expect(await isOver(item)).toBe(true);
  });

  it('is over in a paused sale too, and in one without a unit from the start', async () => {
    const item = await soldOut();
    await world.act(item, 'pause');
    expect(await isOver(item)).toBe(true);
    expect(await isOver(await world.openSale(0))).toBe(true);
  });

  it('is over by itself', async () => {
    const item = await soldOut();
    const loop = world.app.get(MaintenanceLoop);
    loop.start();
    try {
      await waitUntil('those in line are told', async () => (await world.gate.readItem(item))?.isExhausted);
    } finally {
      await loop.stop();
    }
  });

  it('is not over while a hold runs, and not after it ran out', async () => {
    const item = await world.openSale(2);
    await pay(await life.confirmed(item));
    const held = await life.confirmed(item);
    expect(await isOver(item)).toBe(false);
    await life.expired(held);
    expect(await isOver(item)).toBe(false);
    await pay(await life.confirmed(item));
    expect(await isOver(item)).toBe(true);
  });

  it('begins anew with units that the operator adds', async () => {
    const item = await soldOut();
    expect(await isOver(item)).toBe(true);
    expect((await world.changeStock(item, 1)).status).toBe(200);
    expect(await isOver(item)).toBe(false);
    await pay(await life.confirmed(item));
    expect(await isOver(item)).toBe(true);
  });

  it('is not over while a message is parked that has its unit', async () => {
    const item = await world.openSale(2);
    await pay(await life.confirmed(item));
    const { messageId } = await life.parked(item, [{}]);
    expect(await isOver(item)).toBe(false);
    expect((await world.call('POST', `/admin/v1/parked/${messageId}/discard`)).status).toBe(200);
    await life.tellGate();
    expect(await isOver(item)).toBe(false);
    await pay(await life.confirmed(item));
    expect(await isOver(item)).toBe(true);
  });

  it.each<readonly [string, (item: ItemRef) => Promise<unknown>, (item: ItemRef) => Promise<unknown>]>([
    [
      'the gate was not told of an order',
      ({ saleId }) => world.dataSource.manager.update(OrderEntity, { saleId }, { gateEpoch: 1 }),
      ({ saleId }) => world.dataSource.manager.update(OrderEntity, { saleId }, { gateEpoch: null }),
    ],
    [
      'a stock change is half done',
      (item) => world.dataSource.manager.insert(StockChangeEntity, { ...item, ...HALF_DONE }),
      () => world.dataSource.manager.delete(StockChangeEntity, { id: HALF_DONE.id }),
    ],
    [
      'a late payment is half done',
      ({ saleId }) => world.dataSource.query(paymentsOfSale('pending'), [saleId]),
      ({ saleId }) => world.dataSource.query(paymentsOfSale('applied'), [saleId]),
    ],
    [
      'a correction of the gate is half done',
      (item) =>
        world.dataSource.manager.insert(GateRepairEntity, {
          ...{ ...item, id: item.saleId, epoch: 1, version: 1, delta: 1, available: 0, expected: 1 },
        }),
      ({ saleId }) => world.dataSource.manager.delete(GateRepairEntity, { saleId }),
    ],
    [
      'it is rebuilt',
      ({ saleId, productId }) =>
        world.dataSource.query(
          "INSERT INTO rebuilds (sale_id, product_id, kind, reason, actor, from_epoch) VALUES ($1, $2, 'asked', 'a test', 'anna', 1)",
          [saleId, productId],
        ),
      ({ saleId }) => world.dataSource.query('DELETE FROM rebuilds WHERE sale_id = $1', [saleId]),
    ],
    [
      'the ledger waits for a rebuild',
      ({ saleId }) =>
        world.dataSource.manager.update(LedgerEntity, { saleId }, { suspendedReason: 'gone back' }),
      ({ saleId }) => world.dataSource.manager.update(LedgerEntity, { saleId }, { suspendedReason: null }),
    ],
    [
      'the ledger has a unit that the gate lacks',
      ({ saleId }) => world.dataSource.manager.increment(LedgerEntity, { saleId }, 'initial', 1),
      ({ saleId }) => world.dataSource.manager.decrement(LedgerEntity, { saleId }, 'initial', 1),
    ],
    [
      'the ledger is in another epoch',
      ({ saleId }) => world.dataSource.manager.increment(LedgerEntity, { saleId }, 'epoch', 1),
      ({ saleId }) => world.dataSource.manager.decrement(LedgerEntity, { saleId }, 'epoch', 1),
    ],
    [
      'the ledger has settled less than the gate',
      ({ saleId }) => world.dataSource.manager.decrement(LedgerEntity, { saleId }, 'watermark', 1),
      ({ saleId }) => world.dataSource.manager.increment(LedgerEntity, { saleId }, 'watermark', 1),
    ],
    [
      'an entry waits in the outbox',
      (item) => world.redis.client.xadd(itemKeys(item).outbox, '9-9', 'data', 'x'),
      (item) => world.redis.client.xdel(itemKeys(item).outbox, '9-9'),
    ],
  ])('is not over while %s', async (_, begin, end) => {
    const item = await soldOut();
    await begin(item);
    expect(await isOver(item)).toBe(false);
    await end(item);
    expect(await isOver(item)).toBe(true);
  });

  it('is not over where a unit came between the look and the word', async () => {
    const item = await soldOut();
    const exhaust = world.gate.exhaust.bind(world.gate);
    jest.spyOn(world.gate, 'exhaust').mockImplementationOnce(async (request) => {
      await world.changeStock(item, 1);
      await life.confirmed(item);
      return exhaust(request);
    });
    expect(await isOver(item)).toBe(false);
    expect(await world.gate.readItem(item)).toMatchObject({ available: 0 });
  });

  it('asks PostgreSQL once where nothing is sold out, and once more for all that are', async () => {
    const world2 = await AdminWorld.start();
    try {
      const items = [await world2.openSale(0), await world2.openSale(0), await world2.openSale(5)];
      const queries = jest.spyOn(world2.app.get(ExhaustedItems)['dataSource'], 'query');
      const readings = jest.spyOn(world2.gate, 'readItem');
      await world2.app.get(ExhaustedItems).tellAll();
      expect([queries.mock.calls.length, readings.mock.calls.length]).toEqual([2, 2]);
      expect((await world2.gate.readItem(items[0]!))?.isExhausted).toBe(true);
      await world2.app.get(ExhaustedItems).tellAll();
      expect(queries.mock.calls.length).toBe(3);
    } finally {
      await world2.stop();
    }
  });
});

function paymentsOfSale(state: string): string {
  return `UPDATE payments SET state = '${state}' FROM orders
          WHERE orders.order_id = payments.order_id AND orders.sale_id = $1`;
}
