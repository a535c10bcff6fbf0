import { endOf, GateWorld, randomItem } from '@flux/testing';
import { InvalidRequestError, itemKeys } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

describe('forget', () => {
  it('puts a pseudonym in the shopper’s place, once, and units stay counted', async () => {
    const item = await world.opened();
    const ann = await world.accepted(item, { shopperId: 'ann', quantity: 2 });
    const second = await world.accepted(item, { shopperId: 'ann' });
    const bob = await world.accepted(item, { shopperId: 'bob' });
    await world.gate.cancel(second);
    const last = { watermark: 4, watermarkOrderId: second.orderId };
    await world.settle(item, last);
    const orderIds = [ann, second, bob].map(({ orderId }) => orderId);
    const request = { ...item, shopperId: 'ann', pseudonym: 'forgotten-1', orderIds };
    const records = await world.records(item);
    expect(await world.gate.forget(request)).toEqual({ outcome: 'forgotten' });
    const after = await world.everything(item);
    expect(await world.gate.forget(request)).toEqual({ outcome: 'forgotten' });
    expect(await world.everything(item)).toEqual(after);

    expect(await world.server.client.hgetall(itemKeys(item).shoppers)).toEqual({
      'forgotten-1': '3',
      bob: '1',
    });
    for (const [orderId, record] of await world.records(item)) {
      const read = await world.gate.readOrder(orderId);
      if (read.outcome !== 'order') throw new Error(read.outcome);
      const owner = orderId === bob.orderId ? 'bob' : 'forgotten-1';
      expect(['ann', 'bob', 'forgotten-1'].filter((name) => read.belongsTo(name))).toEqual([owner]);
      expect({ ...record, shopperHash: '' }).toEqual({ ...records.get(orderId), shopperHash: '' });
    }
    expect(await world.settle(item, last)).toMatchObject({ outcome: 'settled' });
    // The ledger names the pseudonym from now on; a late word of the old name brings it back nowhere.
    await world.release(item, endOf({ ...ann, shopperId: 'forgotten-1' }), endOf(second));
    expect(await world.server.client.hgetall(itemKeys(item).shoppers)).toEqual({
      'forgotten-1': '1',
      bob: '1',
    });
  });

  it('adds what the shopper bought since to the same pseudonym', async () => {
    const item = await world.opened();
    const request = { ...item, shopperId: 'ann', pseudonym: 'forgotten-1', orderIds: [] as string[] };
    await world.accepted(item, { shopperId: 'ann', quantity: 2 });
    await world.gate.forget(request);
    await world.accepted(item, { shopperId: 'ann', quantity: 3 });
    await world.gate.forget(request);
    expect(await world.server.client.hgetall(itemKeys(item).shoppers)).toEqual({ 'forgotten-1': '5' });
  });

  it('takes thousands of orders', async () => {
    const item = await world.opened({ available: 1_200, perShopperLimit: 1_200 });
    const requests = [];
    for (let count = 0; count < 1_200; count += 1) {
      requests.push(world.accepted(item, { shopperId: 'ann' }));
    }
    const orderIds = (await Promise.all(requests)).map(({ orderId }) => orderId);
    await world.gate.forget({ ...item, shopperId: 'ann', pseudonym: 'nobody', orderIds });
    const hashes = new Set([...(await world.records(item)).values()].map(({ shopperHash }) => shopperHash));
    const read = await world.gate.readOrder(orderIds[0] ?? '');
    expect(hashes.size).toBe(1);
    expect(read.outcome === 'order' && read.belongsTo('nobody')).toBe(true);
  });

  it('finds an item gone, leaves foreign records alone, and refuses names that are none', async () => {
    const item = await world.opened();
    const request = { ...item, shopperId: 'ann', pseudonym: 'nobody', orderIds: ['x'] };
    expect(await world.gate.forget({ ...request, ...randomItem() })).toEqual({ outcome: 'gone' });
    await world.server.client.hset(itemKeys(item).orders, 'x', 'foreign');
    const before = await world.everything(item);
    expect(await world.gate.forget(request)).toEqual({ outcome: 'forgotten' });
    expect(await world.everything(item)).toEqual(before);
    await expect(world.gate.forget({ ...request, pseudonym: 'a b' })).rejects.toThrow(InvalidRequestError);
    await expect(world.gate.forget({ ...request, shopperId: '' })).rejects.toThrow(InvalidRequestError);
  });
});
