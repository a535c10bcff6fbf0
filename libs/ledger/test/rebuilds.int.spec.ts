import { itemName, type ItemRef, type OrderState } from '@flux/contracts';
import type { RebuiltOrder } from '@flux/gate';
import {
  BatchTransaction,
  ItemEntity,
  LedgerEntity,
  OrderEntity,
  RebuildLedger,
  Rebuilds,
  SaleEntity,
  type RebuildRequest,
} from '@flux/ledger';
import {
  acceptedEvent,
  createDatabase,
  insertSale,
  randomPassId,
  type ItemFixture,
  type TestDatabase,
} from '@flux/testing';

let database: TestDatabase;
let batch: BatchTransaction;
let ledger: RebuildLedger;
let rebuilds: Rebuilds;

beforeAll(async () => {
  database = await createDatabase();
  const { dataSource } = database;
  batch = new BatchTransaction(dataSource);
  ledger = new RebuildLedger(dataSource);
  rebuilds = new Rebuilds(dataSource);
});
afterAll(() => database.drop());

async function newItem(fixture: Partial<ItemFixture> = {}): Promise<ItemRef> {
  const [item] = await insertSale(database.dataSource, [{ stock: 10, ...fixture }]);
  return item!;
}

async function rowOf(item: ItemRef): Promise<LedgerEntity> {
  return database.dataSource.manager.findOneByOrFail(LedgerEntity, { ...item });
}

async function pagesOf(item: ItemRef, size: number): Promise<(readonly RebuiltOrder[])[]> {
  const pages: (readonly RebuiltOrder[])[] = [];
  for await (const page of ledger.orderPages(item, size)) pages.push(page);
  return pages;
}

describe('an epoch', () => {
  it('is raised once, ends the older ones at an offset, and counts what nobody has', async () => {
    const item = await newItem();
    await batch.apply([{ event: acceptedEvent({ item, orders: 3 }), offset: 7n }]);
    await batch.apply([{ event: acceptedEvent({ item, firstSequence: 9, orders: 1 }), offset: 8n }]);
    const raise = { ...item, from: 1, to: 4, endOffset: 9n };
    expect(await ledger.raiseEpoch(raise)).toEqual({ outcome: 'raised', available: 6 });
    const raised = { epoch: 4, epochOffset: '8', watermark: 0, watermarkOrderId: '', ahead: [], held: 4 };
    expect(await rowOf(item)).toMatchObject(raised);
    expect(await ledger.raiseEpoch({ ...raise, to: 5 })).toEqual({ outcome: 'otherEpoch', epoch: 4 });
    expect(await rowOf(item)).toMatchObject(raised);
  });

  it('lets the last message before its offset pass, and none after it', async () => {
    const item = await newItem();
    await ledger.raiseEpoch({ ...item, from: 1, to: 2, endOffset: 5n });
    const [before, after] = [1, 2].map((firstSequence) => acceptedEvent({ item, firstSequence, orders: 1 }));
    await batch.apply([{ event: before!, offset: 4n }]);
    await batch.apply([{ event: after!, offset: 5n }]);
    const states = await database.dataSource.manager.find(OrderEntity, {
      where: { ...item },
      order: { sequence: 'ASC' },
    });
    expect(states.map(({ state, reason }) => [state, reason])).toEqual([
      ['confirmed', null],
      ['rejected', 'old-epoch'],
    ]);
  });

  it('of an empty topic lets nothing old pass', async () => {
    const item = await newItem();
    await ledger.raiseEpoch({ ...item, from: 1, to: 2, endOffset: 0n });
    expect(await rowOf(item)).toMatchObject({ epoch: 2, epochOffset: null });
    const event = acceptedEvent({ item, orders: 1 });
    await batch.apply([{ event, offset: 0n }]);
    expect(await rowOf(item)).toMatchObject({ held: 0 });
  });
});

describe('the orders of an item', () => {
  it('come by their ids in pages, each once and none of another item', async () => {
    const [item, other] = await insertSale(database.dataSource, [
      { stock: 9, productId: 'mug' },
      { stock: 9, productId: 'mug-2' },
    ]);
    const event = acceptedEvent({ item: item!, orders: 5 });
    await batch.apply([
      { event, offset: 1n },
      { event: acceptedEvent({ item: other!, orders: 2 }), offset: 2n },
    ]);
    const ids = event.orders.map(({ orderId }) => orderId).sort();
    for (const [size, count] of [
      [2, 3],
      [5, 1],
      [9, 1],
    ] as const) {
      const pages = await pagesOf(item!, size);
      expect(pages).toHaveLength(count);
      expect(pages.flat().map(({ orderId }) => orderId)).toEqual(ids);
    }
    expect(await pagesOf(await newItem(), 5)).toEqual([]);
  });

  it('say what they are, since when, and what they count for their shopper', async () => {
    const item = await newItem();
    const states: readonly OrderState[] = ['confirmed', 'paid', 'parked', 'cancelled', 'expired', 'rejected'];
    const event = acceptedEvent({
      item,
      orders: states.map(() => ({ quantity: 2, passId: randomPassId() })),
    });
    await batch.apply([{ event, offset: 1n }]);
    for (const [index, state] of states.entries()) {
      await database.dataSource.query(
        `UPDATE orders SET state = $2, hold_until = CASE WHEN $2 = 'confirmed' THEN now() END,
                reason = CASE WHEN $2 = 'rejected' THEN 'no-units' END WHERE order_id = $1`,
        [event.orders[index]?.orderId, state],
      );
    }
    const found = new Map((await pagesOf(item, 10)).flat().map((order) => [order.orderId, order]));
    const { decidedAt } = await database.dataSource.manager.findOneByOrFail(OrderEntity, { ...item });
    for (const [index, state] of states.entries()) {
      const { orderId, shopperId, fingerprint, passId } = event.orders[index]!;
      expect(found.get(orderId)).toEqual({
        ...{ orderId, shopperId, fingerprint, quantity: 2 },
        acceptedAtMs: event.acceptedAtMs,
        status: state === 'parked' ? 'accepted' : state,
        changedAtMs: decidedAt.getTime(),
        liveUnits: index < 3 ? 2 : 0,
        // What was refused gives its pass back.
        passId: state === 'rejected' ? undefined : passId,
      });
    }
  });
});

describe('what is looked after', () => {
  it('are items whose gate was opened, or must have been, until they retire', async () => {
    const item = await newItem();
    const isLookedAfter = async (): Promise<boolean> => (await ledger.subject(item)) !== undefined;
    expect(await isLookedAfter()).toBe(false);
    await batch.apply([{ event: acceptedEvent({ item, orders: 1 }), offset: 1n }]);
    expect(await isLookedAfter()).toBe(true);
    const { manager } = database.dataSource;
    for (const [state, expected] of [
      ['scheduled', false],
      ['paused', true],
      ['closed', true],
      ['retired', false],
    ] as const) {
      await manager.update(SaleEntity, { id: item.saleId }, { state });
      expect(await isLookedAfter()).toBe(expected);
    }
    const opened = await newItem();
    await manager.update(ItemEntity, { ...opened }, { gateOpenedAt: new Date() });
    expect((await ledger.subjects()).map(itemName)).toContain(itemName(opened));
    expect((await ledger.subjects()).map(itemName)).not.toContain(itemName(item));
  });

  it("is a product's current sale until another one opens", async () => {
    const first = await newItem();
    const { manager } = database.dataSource;
    await manager.update(ItemEntity, { ...first }, { gateOpenedAt: new Date(1_000), live: false });
    expect(await ledger.subject(first)).toMatchObject({ isCurrent: true });
    const second = await newItem({ productId: first.productId });
    expect(await ledger.subject(first)).toMatchObject({ isCurrent: true });
    await manager.update(ItemEntity, { ...second }, { gateOpenedAt: new Date(2_000) });
    expect(await ledger.subject(first)).toMatchObject({ isCurrent: false });
    expect(await ledger.subject(second)).toMatchObject({ isCurrent: true });
  });
});

describe('a rebuild', () => {
  const requestFor = (item: ItemRef, changes: Partial<RebuildRequest> = {}): RebuildRequest => ({
    ...{ ...item, kind: 'lost', reason: 'stock is missing', actor: 'system', fromEpoch: 1 },
    ...changes,
  });

  it('is asked for once, and suspends the item with its reason', async () => {
    const item = await newItem();
    const first = await rebuilds.ask(requestFor(item));
    expect(first).toMatchObject({ state: 'running', phase: 'asked', attempts: 0, kind: 'lost' });
    expect(await rowOf(item)).toMatchObject({ suspendedReason: 'stock is missing' });
    const second = await rebuilds.ask(requestFor(item, { kind: 'asked', reason: 'anna' }));
    expect(second).toEqual(first);
    expect(await rowOf(item)).toMatchObject({ suspendedReason: 'stock is missing' });
    expect(await ledger.subject(await newItem())).toBeUndefined();
  });

  it('belongs to its last attempt', async () => {
    const item = await newItem();
    const { id } = await rebuilds.ask(requestFor(item));
    const [first, second] = [await rebuilds.begin(item), await rebuilds.begin(item)];
    await rebuilds.note(first, { phase: 'writing', orders: 9 });
    await rebuilds.note(second, { phase: 'counting', epoch: 2 });
    const now = { id, attempts: 2, phase: 'counting', epoch: 2, orders: 0 };
    expect(await rebuilds.list(item, { limit: 5 })).toMatchObject([now]);
    const { manager } = database.dataSource;
    expect(await rebuilds.done(manager, first)).toBeUndefined();
    expect(await rebuilds.done(manager, second)).toMatchObject({ kind: 'lost', actor: 'system' });
    expect(await rebuilds.list(item, { limit: 5 })).toMatchObject([{ state: 'done', phase: 'open' }]);
    await rebuilds.note(second, { phase: 'writing' });
    expect(await rebuilds.list(item, { limit: 5 })).toMatchObject([{ phase: 'open' }]);
    await expect(rebuilds.begin(item)).rejects.toThrow('no rebuild');
    await rebuilds.ask(requestFor(item));
    await rebuilds.settle(item);
    expect((await rebuilds.list(item, { limit: 5 })).map(({ state }) => state)).toEqual(['done', 'done']);
  });

  it('lifts the suspension in its own epoch only, and marks the gate as opened', async () => {
    const item = await newItem();
    await rebuilds.ask(requestFor(item));
    expect(await ledger.liftSuspension(item, 2)).toBe(false);
    expect((await rowOf(item)).suspendedReason).not.toBeNull();
    expect(await ledger.liftSuspension(item, 1)).toBe(true);
    expect((await rowOf(item)).suspendedReason).toBeNull();
    const { gateOpenedAt } = await database.dataSource.manager.findOneByOrFail(ItemEntity, { ...item });
    expect(gateOpenedAt).not.toBeNull();
  });
});
