import type { ItemRef } from '@flux/contracts';
import {
  beginOf,
  byId,
  CLOSED_BY,
  closeAndBegin,
  endOf,
  endWith,
  GateWorld,
  purchase,
  randomItem,
  randomPassId,
  REBUILT_ACCEPTED_AT_MS,
  rebuiltOrder,
  SETTLED_AT_MS,
} from '@flux/testing';
import {
  GateRebuild,
  InvalidRequestError,
  itemKeys,
  MAX_ORDERS_PER_REBUILD_PAGE,
  type RebuildEnd,
  type RebuiltOrder,
} from './index';

let world: GateWorld;
let rebuild: GateRebuild;

beforeAll(async () => {
  world = await GateWorld.start();
  rebuild = new GateRebuild(world.clients.connection);
});
afterAll(async () => {
  await world.end();
});

/** Begin, one page and end in epoch 2. */
async function rebuildWith(
  item: ItemRef,
  orders: readonly RebuiltOrder[],
  changes: Partial<RebuildEnd> = {},
): Promise<void> {
  const epoch = changes.epoch ?? 2;
  expect(await closeAndBegin(rebuild, item, epoch)).toEqual({ outcome: 'begun' });
  if (orders.length > 0) {
    expect(await rebuild.page({ ...item, epoch, after: '', orders })).toEqual({ outcome: 'written' });
  }
  const lastOrderId = orders.at(-1)?.orderId ?? '';
  expect(await rebuild.end(endWith(item, { lastOrderId, ...changes }))).toEqual({ outcome: 'finished' });
}

describe('a rebuilt gate', () => {
  it('answers a repeat of an order from before as it was answered, and another payload with a refusal', async () => {
    const item = await world.opened();
    const request = purchase(item, { quantity: 2 });
    const first = await world.gate.reserve(request);
    if (first.outcome !== 'accepted') throw new Error(first.outcome);
    const { acceptedAtMs } = first.order;
    await world.server.client.flushall();
    await rebuildWith(item, [rebuiltOrder(request, { acceptedAtMs })]);
    const order = { ...first.order, sequence: 0 };
    expect(await world.gate.reserve(request)).toEqual({ outcome: 'replayed', order });
    const other = { ...purchase(item, { shopperId: request.shopperId, quantity: 3 }) };
    expect(await world.gate.reserve({ ...other, orderId: request.orderId })).toEqual({ outcome: 'reused' });
  });

  it('has every state with its times, and sells what is left in a new line of sequences', async () => {
    const item = await world.opened();
    const states = ['accepted', 'confirmed', 'rejected', 'cancelled', 'expired', 'paid'] as const;
    const orders = states.map((status) => {
      const isLive = ['accepted', 'confirmed', 'paid'].includes(status);
      return rebuiltOrder(purchase(item), { status, liveUnits: isLive ? 1 : 0 });
    });
    await rebuildWith(item, byId(...orders), { available: 2 });
    for (const { orderId, status, shopperId, liveUnits } of orders) {
      expect(await world.gate.readOrder(orderId)).toMatchObject({
        outcome: 'order',
        order: {
          status,
          acceptedAtMs: REBUILT_ACCEPTED_AT_MS,
          updatedAtMs: SETTLED_AT_MS,
          holdUntilMs: status === 'confirmed' ? SETTLED_AT_MS + 600_000 : undefined,
        },
      });
      // At 0 too: a sold-out refusal must never keep a buyer from a replay.
      expect(await world.countOf(item, shopperId)).toBe(String(liveUnits));
    }
    for (const sequence of [1, 2]) {
      expect(await world.gate.reserve(purchase(item))).toMatchObject({
        outcome: 'accepted',
        order: { sequence },
      });
    }
    expect(await world.gate.reserve(purchase(item))).toMatchObject({ outcome: 'soldOut', available: 0 });
    expect(await world.outboxes.read(item, { after: '0-0', count: 10 })).toMatchObject([
      { id: '2-1' },
      { id: '2-2' },
    ]);
  });

  it("counts a shopper's orders over pages together, up to the limit", async () => {
    const item = await world.opened();
    const shopperId = 'ann';
    const orders = byId(
      ...Array.from({ length: 3 }, () => rebuiltOrder(purchase(item, { shopperId, quantity: 3 }))),
    );
    await closeAndBegin(rebuild, item);
    let after = '';
    for (const order of orders) {
      await rebuild.page({ ...item, epoch: 2, after, orders: [order] });
      after = order.orderId;
    }
    await rebuild.end(endWith(item, { lastOrderId: after }));
    expect(await world.countOf(item, shopperId)).toBe('9');
    expect(await world.gate.reserve(purchase(item, { shopperId, quantity: 2 }))).toEqual({
      outcome: 'shopperLimit',
      limit: 10,
    });
    expect(await world.gate.reserve(purchase(item, { shopperId }))).toMatchObject({ outcome: 'accepted' });
  });

  it('is in the state that it is given, and takes purchases that name no sale where it is the current one', async () => {
    const [open, closed] = [await world.opened(), await world.opened()];
    await world.server.client.del(itemKeys(open).current, itemKeys(closed).current);
    await rebuildWith(open, []);
    await rebuildWith(closed, [], { state: 'closed', isCurrent: false });
    expect(await world.gate.reserve(purchase(open))).toMatchObject({ outcome: 'accepted' });
    expect(await world.gate.reserve(purchase(closed))).toEqual({ outcome: 'notReady' });
    expect(await world.gate.reserve(purchase(closed, { saleNamed: true }))).toEqual({ outcome: 'closed' });
    expect(await world.gate.close(open)).toEqual({ outcome: 'done' });
  });

  it('gives way, where it is closed, to the sale that has opened since', async () => {
    const item = await world.opened();
    const { current } = itemKeys(item);
    await world.server.client.set(current, 'a-later-sale');
    await rebuildWith(item, [], { state: 'closed' });
    expect(await world.server.client.get(current)).toBe('a-later-sale');
    await world.server.client.del(current);
    await rebuildWith(item, [], { epoch: 3, state: 'closed' });
    expect(await world.server.client.get(current)).toBe(item.saleId);
    await rebuildWith(item, [], { epoch: 4, state: 'paused' });
    expect(await world.server.client.get(current)).toBe(item.saleId);
  });

  it('never has a version again: old sets of buyers are not taken for new ones', async () => {
    const item = await world.opened({ available: 0 });
    const versions = new Set([(await world.itemNow(item)).version]);
    for (const epoch of [2, 3]) {
      await rebuildWith(item, [], { epoch, available: 0 });
      for (const changeId of ['a', 'b']) {
        versions.add((await world.itemNow(item)).version);
        await world.gate.adjust({ ...item, epoch, changeId, delta: 1 });
      }
    }
    expect(versions.size).toBe(5);
    expect(await world.gate.loadBuyers(item, [...versions][0]!)).toBeUndefined();
  });

  it('forgot what was changed in older epochs, and is told nothing of them', async () => {
    const item = await world.opened();
    const order = await world.accepted(item);
    await world.release(item, endOf(order));
    await rebuildWith(item, [rebuiltOrder(order, { status: 'expired', liveUnits: 0 })]);
    const before = await world.everything(item);
    expect(await world.release(item, endOf(order))).toEqual({ outcome: 'done' });
    expect(await world.gate.adjust({ ...item, epoch: 1, changeId: 'c', delta: 3 })).toEqual({
      outcome: 'done',
    });
    expect(await world.settle(item, { watermark: 1, watermarkOrderId: order.orderId })).toEqual({
      outcome: 'otherEpoch',
      epoch: 2,
    });
    expect(await world.everything(item)).toEqual(before);
    expect(await world.server.client.exists(itemKeys(item).changes)).toBe(0);
  });

  it('gives back the units of an order that ended while it was written, whichever state was read', async () => {
    for (const status of ['confirmed', 'expired'] as const) {
      const item = await world.opened();
      const order = purchase(item, { quantity: 3 });
      // Counted when the order was still held: 5 of 8.
      await rebuildWith(item, [rebuiltOrder(order, { status, liveUnits: status === 'confirmed' ? 3 : 0 })]);
      const releases = [endOf(order)];
      expect(await world.gate.release({ ...item, epoch: 2, releases })).toEqual({
        outcome: 'released',
        released: 1,
      });
      expect(await world.itemNow(item)).toMatchObject({ available: 8 });
      expect(await world.countOf(item, order.shopperId)).toBe('0');
    }
  });
});

describe('an unfinished gate', () => {
  it('answers notReady to everything, changes nothing and is gone for its readers', async () => {
    const item = await world.opened();
    const order = await world.accepted(item);
    await closeAndBegin(rebuild, item);
    await rebuild.page({ ...item, epoch: 2, after: '', orders: [rebuiltOrder(order)] });
    const before = await world.everything(item);
    const epoch = 2;
    for (const request of [order, purchase(item), purchase(item, { saleNamed: true })]) {
      expect(await world.gate.reserve(request)).toEqual({ outcome: 'notReady' });
    }
    expect(await world.gate.readOrder(order.orderId)).toEqual({ outcome: 'notReady' });
    expect(await world.gate.cancel(order)).toEqual({ outcome: 'notReady' });
    const releases = [endOf(order)];
    expect(await world.gate.release({ ...item, epoch, releases })).toEqual({ outcome: 'notReady' });
    expect(await world.gate.retake({ ...item, ...order, epoch, changeId: 'pay:1' })).toEqual({
      outcome: 'notReady',
    });
    expect(await world.gate.adjust({ ...item, epoch, changeId: 'c', delta: 1 })).toEqual({
      outcome: 'notReady',
    });
    const states = [{ ...order, status: 'paid' as const, quantity: 0, changedAtMs: 1 }];
    expect(await world.settle(item, { epoch, states })).toEqual({ outcome: 'notReady' });
    for (const verb of ['pause', 'resume', 'close'] as const) {
      expect(await world.gate[verb](item)).toEqual({ outcome: 'refused', state: 'suspended' });
    }
    expect(await world.gate.retire({ ...item, endsAtMs: Date.now() })).toMatchObject({ outcome: 'refused' });
    expect(await world.gate.readItem(item)).toBeUndefined();
    expect(await world.everything(item)).toEqual(before);
  });

  it('is done with what older epochs tell it', async () => {
    const item = await world.opened();
    const order = await world.accepted(item);
    await closeAndBegin(rebuild, item);
    expect(await world.release(item, endOf(order))).toEqual({ outcome: 'done' });
    expect(await world.gate.adjust({ ...item, epoch: 1, changeId: 'c', delta: 1 })).toEqual({
      outcome: 'done',
    });
  });
});

describe('the steps of a rebuild', () => {
  it('are repeated without effect', async () => {
    const item = await world.opened();
    const [first, second] = byId(
      ...[1, 2].map(() => rebuiltOrder(purchase(item, { shopperId: 'ann', quantity: 2 }))),
    );
    await closeAndBegin(rebuild, item);
    const page = { ...item, epoch: 2, after: '', orders: [first!] };
    await rebuild.page(page);
    const written = await world.everything(item);
    expect(await rebuild.page(page)).toEqual({ outcome: 'repeated' });
    expect(await world.everything(item)).toEqual(written);
    expect(await rebuild.begin(beginOf(item))).toEqual({ outcome: 'otherEpoch', epoch: 2 });
    const next = { ...item, epoch: 2, after: first!.orderId, orders: [second!] };
    await rebuild.page(next);
    const end = endWith(item, { lastOrderId: second!.orderId });
    await rebuild.end(end);
    await world.accepted(item);
    const sold = await world.everything(item);
    expect(await rebuild.end(end)).toEqual({ outcome: 'repeated' });
    for (const late of [page, next]) expect(await rebuild.page(late)).toEqual({ outcome: 'outOfStep' });
    expect(await world.everything(item)).toEqual(sold);
  });

  it('are refused out of their order: a page is missing', async () => {
    const item = await world.opened();
    const [first, second] = byId(rebuiltOrder(purchase(item)), rebuiltOrder(purchase(item)));
    await closeAndBegin(rebuild, item);
    const begun = await world.everything(item);
    expect(await rebuild.page({ ...item, epoch: 2, after: first!.orderId, orders: [second!] })).toEqual({
      outcome: 'outOfStep',
    });
    expect(await rebuild.end(endWith(item, { lastOrderId: second!.orderId }))).toEqual({
      outcome: 'outOfStep',
    });
    expect(await world.everything(item)).toEqual(begun);
    await rebuild.page({ ...item, epoch: 2, after: '', orders: [first!] });
    expect(await rebuild.end(endWith(item, { lastOrderId: second!.orderId }))).toEqual({
      outcome: 'outOfStep',
    });
    expect(await rebuild.end(endWith(item))).toEqual({ outcome: 'outOfStep' });
  });

  it('never begin upon a gate that may have sold since it was closed', async () => {
    const item = await world.opened();
    const close = { ...item, epoch: 1, closedBy: CLOSED_BY };
    const begins = async (): Promise<unknown> => rebuild.begin(beginOf(item));
    const before = await world.everything(item);
    expect(await begins()).toEqual({ outcome: 'otherGate' });
    expect(await rebuild.close({ ...close, epoch: 2 })).toEqual({ outcome: 'otherEpoch', epoch: 1 });
    expect(await world.everything(item)).toEqual(before);
    // Another attempt, and whoever else suspends it, do not close it for this one.
    expect(await rebuild.close({ ...close, closedBy: '7.2' })).toEqual({ outcome: 'closed' });
    expect(await begins()).toEqual({ outcome: 'otherGate' });
    expect(await rebuild.close(close)).toEqual({ outcome: 'closed' });
    expect(await world.gate.reserve(purchase(item))).toEqual({ outcome: 'notReady' });
    expect(await begins()).toEqual({ outcome: 'begun' });
    // Closed while it is unfinished: the attempt that was overtaken does not open it any more.
    expect(await rebuild.close({ ...close, epoch: 2 })).toEqual({ outcome: 'closed' });
    const closed = await world.everything(item);
    expect(await rebuild.end(endWith(item))).toEqual({ outcome: 'otherGate' });
    expect(await world.everything(item)).toEqual(closed);
    expect(await world.gate.reserve(purchase(item))).toEqual({ outcome: 'notReady' });
    expect(await rebuild.begin(beginOf(item, 3))).toEqual({ outcome: 'begun' });
    expect(await rebuild.end(endWith(item, { epoch: 3 }))).toEqual({ outcome: 'finished' });
    await world.accepted(item);
    await world.server.client.del(itemKeys(item).item);
    expect(await rebuild.close({ ...close, epoch: 0 })).toEqual({ outcome: 'gone' });
  });

  it('of an older epoch change nothing: a zombie was overtaken', async () => {
    const item = await world.opened({ epoch: 3 });
    const order = rebuiltOrder(purchase(item));
    const zombie = async (found: number): Promise<void> => {
      const before = await world.everything(item);
      const refused = { outcome: 'otherEpoch', epoch: found };
      for (const epoch of [1, 2]) expect(await rebuild.begin(beginOf(item, epoch))).toEqual(refused);
      expect(await rebuild.page({ ...item, epoch: 2, after: '', orders: [order] })).toEqual(refused);
      expect(await rebuild.end(endWith(item))).toEqual(refused);
      expect(await world.everything(item)).toEqual(before);
    };
    await zombie(3);
    expect(await rebuild.begin(beginOf(item, 3))).toEqual({ outcome: 'otherEpoch', epoch: 3 });
    await closeAndBegin(rebuild, item, 4);
    await zombie(4);
    await world.server.client.del(itemKeys(item).item);
    expect(await rebuild.page({ ...item, epoch: 4, after: '', orders: [order] })).toEqual({
      outcome: 'otherEpoch',
      epoch: 0,
    });
    expect(await rebuild.end(endWith(item, { epoch: 4 }))).toEqual({ outcome: 'otherEpoch', epoch: 0 });
    const [, ...own] = await world.everything(item);
    expect(new Set(own)).toEqual(new Set(['']));
  });

  it.each([
    'item',
    'stock',
    'shoppers',
    'orders',
    'passes',
    'outbox',
    'changes',
    'timeline',
    'lease',
  ] as const)('clear away a `%s` of a foreign type', async (key) => {
    const item = await world.opened();
    const order = await world.accepted(item);
    await world.server.client.del(itemKeys(item)[key]);
    await world.server.client.rpush(itemKeys(item)[key], 'foreign');
    expect(await rebuild.look(item)).toMatchObject({
      outcome: 'broken',
      what: `${key} has a foreign type`,
      isOutboxReadable: key !== 'outbox',
    });
    await rebuildWith(item, [rebuiltOrder(order)]);
    expect(await world.gate.reserve(order)).toMatchObject({ outcome: 'replayed' });
    expect(await rebuild.look(item)).toMatchObject({ outcome: 'whole' });
  });

  it('refuse what is no page', async () => {
    const item = randomItem();
    const [first, second] = byId(rebuiltOrder(purchase(item)), rebuiltOrder(purchase(item)));
    const page = { ...item, epoch: 2, after: '' };
    const bad: readonly (readonly RebuiltOrder[])[] = [
      [],
      [second!, first!],
      [first!, first!],
      [{ ...first!, shopperId: 'a b' }],
      [{ ...first!, liveUnits: -1 }],
      [{ ...first!, passId: 'half-a-pass' }],
      [{ ...first!, changedAtMs: Number.NaN }],
      Array.from({ length: MAX_ORDERS_PER_REBUILD_PAGE + 1 }, () => first!),
    ];
    for (const orders of bad) {
      await expect(rebuild.page({ ...page, orders })).rejects.toThrow(InvalidRequestError);
    }
    await expect(rebuild.page({ ...page, after: first!.orderId, orders: [first!] })).rejects.toThrow(
      InvalidRequestError,
    );
    await expect(rebuild.end(endWith(item, { available: -1 }))).rejects.toThrow(InvalidRequestError);
  });

  it('take the largest page', async () => {
    const item = await world.opened();
    const orders = byId(
      ...Array.from({ length: MAX_ORDERS_PER_REBUILD_PAGE }, () =>
        rebuiltOrder(purchase(item), { passId: randomPassId() }),
      ),
    );
    await rebuildWith(item, orders);
    expect(await world.server.client.scard(itemKeys(item).passes)).toBe(MAX_ORDERS_PER_REBUILD_PAGE);
    expect(await world.server.client.hlen(itemKeys(item).orders)).toBe(MAX_ORDERS_PER_REBUILD_PAGE);
    expect(await world.server.client.hlen(itemKeys(item).shoppers)).toBe(MAX_ORDERS_PER_REBUILD_PAGE);
  });
});
