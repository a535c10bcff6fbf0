import type { ItemRef, OrderStatus } from '@flux/contracts';
import { closeAndBegin, endOf, endWith, GateWorld, randomItem, waitUntil } from '@flux/testing';
import { GateRebuild, itemKeys, type ReserveRequest } from './index';

let world: GateWorld;
let rebuild: GateRebuild;

beforeAll(async () => {
  world = await GateWorld.start();
  rebuild = new GateRebuild(world.clients.connection);
});
afterAll(async () => {
  await world.end();
});

async function restart(): Promise<void> {
  await world.server.restart();
  await waitUntil('the gate is back', () => world.gate.isReady());
}

describe('a gate', () => {
  it('needs no comparison from its opening on, nor from its rebuild on', async () => {
    const item = await world.opened();
    expect(await rebuild.askVouched(item)).toEqual({ outcome: 'vouched' });
    await restart();
    await closeAndBegin(rebuild, item);
    expect(await rebuild.askVouched(item)).toEqual({ outcome: 'gone' });
    await rebuild.end(endWith(item));
    expect(await rebuild.askVouched(item)).toEqual({ outcome: 'vouched' });
  });

  it('needs one after each start of its Redis, once', async () => {
    const item = await world.opened();
    for (let start = 0; start < 2; start += 1) {
      await restart();
      const asked = await rebuild.askVouched(item);
      if (asked.outcome !== 'restarted') throw new Error('it is vouched for');
      expect(asked.epoch).toBe(1);
      expect(asked.run).toMatch(/^[0-9a-f]{40}$/);
      expect(await rebuild.vouch(item, asked)).toEqual({ outcome: 'vouched' });
      expect(await rebuild.askVouched(item)).toEqual({ outcome: 'vouched' });
    }
  });

  it('is not vouched for by a comparison of another epoch, or with another start of its Redis', async () => {
    const item = await world.opened();
    await restart();
    const first = await rebuild.askVouched(item);
    if (first.outcome !== 'restarted') throw new Error('it is vouched for');
    expect(await rebuild.vouch(item, { ...first, epoch: 2 })).toEqual(first);
    await restart();
    const second = await rebuild.vouch(item, first);
    expect(second).toMatchObject({ outcome: 'restarted', epoch: 1 });
    expect(second).not.toEqual(first);
    expect(await rebuild.askVouched(item)).toEqual(second);
  });

  it('that is not there has nothing to compare', async () => {
    expect(await rebuild.askVouched(randomItem())).toEqual({ outcome: 'gone' });
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
