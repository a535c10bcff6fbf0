import type { ItemRef, OrderStatus } from '@flux/contracts';
import { closeAndBegin, endOf, endWith, GateWorld, prove, purchase, randomItem } from '@flux/testing';
import { GateRebuild, itemKeys, type ReserveRequest, type Vouching } from './index';

let world: GateWorld;
let rebuild: GateRebuild;

beforeAll(async () => {
  world = await GateWorld.start();
  rebuild = new GateRebuild(world.clients.connection);
});
afterAll(async () => {
  await world.end();
});

async function unproven(item: ItemRef): Promise<Extract<Vouching, { readonly outcome: 'unproven' }>> {
  const found = await rebuild.askVouched(item);
  if (found.outcome !== 'unproven') throw new Error(`the gate is ${found.outcome}`);
  return found;
}

describe('a gate', () => {
  it('has nothing to prove from its opening on, nor from its rebuild on', async () => {
    const item = await world.opened();
    expect(await rebuild.askVouched(item)).toEqual({ outcome: 'vouched' });
    await world.restart();
    await closeAndBegin(rebuild, item);
    expect(await rebuild.askVouched(item)).toEqual({ outcome: 'gone' });
    await rebuild.end(endWith(item));
    expect(await rebuild.askVouched(item)).toEqual({ outcome: 'vouched' });
    expect(await world.gate.reserve(purchase(item))).toMatchObject({ outcome: 'accepted' });
  });

  it('is proven, then compared, after each start of its Redis', async () => {
    const item = await world.opened();
    await world.accepted(item);
    for (let start = 0; start < 2; start += 1) {
      await world.restart();
      const found = await unproven(item);
      expect(found).toMatchObject({ epoch: 1, sequence: 1 });
      expect(found.run).toMatch(/^[0-9a-f]{40}$/);
      const { epoch, run } = found;
      expect(await rebuild.vouch(item, found, 'server')).toEqual({ outcome: 'uncompared', epoch, run });
      expect(await rebuild.askVouched(item)).toEqual({ outcome: 'uncompared', epoch, run });
      expect(await rebuild.vouch(item, found, 'compared')).toEqual({ outcome: 'vouched' });
      expect(await rebuild.askVouched(item)).toEqual({ outcome: 'vouched' });
    }
  });

  it('proves nothing by what was found in another epoch, or on another start of its Redis', async () => {
    const item = await world.opened();
    await world.restart();
    const first = await unproven(item);
    expect(await rebuild.vouch(item, { ...first, epoch: 2 }, 'server')).toEqual(first);
    await world.restart();
    const second = await rebuild.vouch(item, first, 'server');
    expect(second).toMatchObject({ outcome: 'unproven', epoch: 1 });
    expect(second).not.toEqual(first);
    expect(await rebuild.askVouched(item)).toEqual(second);
  });

  it('that is not there has nothing to prove', async () => {
    expect(await rebuild.askVouched(randomItem())).toEqual({ outcome: 'gone' });
  });
});

describe('a gate that may have forgotten orders', () => {
  it('answers what it knows, and says of nothing else that it is not there, sold out or over a limit', async () => {
    const item = await world.opened({ available: 2 });
    const [cancelled, kept] = [await world.accepted(item), await world.accepted(item)];
    await world.gate.cancel(cancelled);
    const forgotten = purchase(item, { shopperId: kept.shopperId });
    await world.restart();
    const before = await world.everything(item);

    expect(await world.gate.reserve(kept)).toMatchObject({ outcome: 'replayed' });
    expect(await world.gate.readOrder(kept.orderId)).toMatchObject({ outcome: 'order' });
    expect(await world.gate.cancel(cancelled)).toMatchObject({ outcome: 'repeated' });
    for (const request of [forgotten, purchase(item)]) {
      expect(await world.gate.reserve(request)).toEqual({ outcome: 'notReady' });
      expect(await world.gate.readOrder(request.orderId)).toEqual({ outcome: 'notReady' });
      expect(await world.gate.cancel(request)).toEqual({ outcome: 'notReady' });
    }
    // A wish takes a sequence, and what the gate has given is what it is proven by.
    expect(await world.gate.cancel(kept)).toEqual({ outcome: 'notReady' });
    expect(await world.everything(item)).toEqual(before);

    await prove(world.clients.connection, item);
    expect(await world.gate.reserve(purchase(item))).toMatchObject({ outcome: 'soldOut' });
    expect(await world.gate.readOrder(forgotten.orderId)).toEqual({ outcome: 'unknownOrder' });
    expect(await world.gate.cancel(forgotten)).toEqual({ outcome: 'unknownOrder' });
    expect(await world.gate.cancel(kept)).toMatchObject({ outcome: 'requested' });
  });

  it('says that an order is not there once it is proven, or its end is dated, but not while it is suspended', async () => {
    const item = await world.opened();
    const { orderId } = purchase(item);
    await world.gate.suspend({ ...item, epoch: 1 });
    expect(await world.gate.readOrder(orderId)).toEqual({ outcome: 'notReady' });
    const retired = await world.opened();
    await world.gate.close(retired);
    expect(await world.gate.retire({ ...retired, endsAtMs: Date.now() + 60_000 })).toMatchObject({
      outcome: 'retired',
    });
    await world.restart();
    expect(await world.gate.readOrder(purchase(retired).orderId)).toEqual({ outcome: 'unknownOrder' });
    expect(await world.gate.reserve(purchase(retired))).toEqual({ outcome: 'closed' });
  });
});

describe('a comparison', () => {
  const compare = (item: ItemRef, { orderId }: ReserveRequest, status: OrderStatus, epoch = 1) =>
    rebuild.compare({ ...item, epoch, orders: [{ orderId, status }] });

  async function settled(item: ItemRef): Promise<ReserveRequest> {
    const order = await world.accepted(item);
    const { sequence } = await world.itemNow(item);
    await world.settle(item, { watermark: sequence, watermarkOrderId: order.orderId });
    return order;
  }

  it('finds nothing where the gate knows what it was told, or more', async () => {
    const item = await world.opened();
    const order = await settled(item);
    expect(await compare(item, order, 'confirmed')).toEqual({ outcome: 'equal' });
    await world.release(item, endOf(order, { status: 'expired' }));
    for (const status of ['confirmed', 'expired', 'cancelled'] as const) {
      expect(await compare(item, order, status)).toEqual({ outcome: 'equal' });
    }
  });

  it.each(['paid', 'expired', 'cancelled'] as const)(
    'finds that it has forgotten that an order is %s',
    async (status) => {
      const item = await world.opened();
      const { orderId, ...order } = await settled(item);
      expect(await compare(item, { ...order, orderId }, status)).toEqual({ outcome: 'behind', orderId });
      expect(await world.itemNow(item)).toMatchObject({ state: 'suspended' });
    },
  );

  it('finds that it has forgotten an order, or has something foreign in its place', async () => {
    const item = await world.opened();
    const [known, order] = [await settled(item), await settled(item)];
    const { orderId } = order;
    for (const forget of [
      () => world.server.client.hset(itemKeys(item).orders, orderId, 'foreign'),
      () => world.server.client.hdel(itemKeys(item).orders, orderId),
    ]) {
      await forget();
      const orders = [known, order].map((each) => ({ orderId: each.orderId, status: 'confirmed' as const }));
      expect(await rebuild.compare({ ...item, epoch: 1, orders })).toEqual({ outcome: 'behind', orderId });
    }
  });

  it('waits for orders that are not settled, or no longer', async () => {
    const item = await world.opened();
    const { orderId, ...order } = await world.accepted(item);
    expect(await compare(item, { ...order, orderId }, 'confirmed')).toEqual({ outcome: 'equal' });
    expect(await compare(item, { ...order, orderId }, 'paid')).toEqual({ outcome: 'unsettled', orderId });
  });

  it('is of one epoch, and of a finished gate', async () => {
    const item = await world.opened();
    const order = await settled(item);
    expect(await compare(item, order, 'confirmed', 2)).toEqual({ outcome: 'otherEpoch', epoch: 1 });
    await closeAndBegin(rebuild, item);
    expect(await compare(item, order, 'confirmed', 2)).toEqual({ outcome: 'otherEpoch', epoch: 2 });
    expect(await compare(randomItem(), order, 'confirmed')).toEqual({ outcome: 'otherEpoch', epoch: 0 });
  });
});
