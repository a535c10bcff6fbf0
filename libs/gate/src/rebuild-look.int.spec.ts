import {
  closeAndBegin,
  endWith,
  GateWorld,
  purchase,
  randomItem,
  randomPassId,
  rebuiltOrder,
} from '@flux/testing';
import { GateRebuild, itemKeys } from './index';

let world: GateWorld;
let rebuild: GateRebuild;

beforeAll(async () => {
  world = await GateWorld.start();
  rebuild = new GateRebuild(world.clients.connection);
});
afterAll(async () => {
  await world.end();
});

describe('a Redis without memory', () => {
  afterEach(async () => {
    await world.server.client.config('SET', 'maxmemory', 0);
  });

  it('is begun in, since that frees memory, and refuses page and end whole', async () => {
    const item = await world.opened();
    const order = rebuiltOrder(await world.accepted(item));
    await world.server.client.config('SET', 'maxmemory', 1);
    expect(await closeAndBegin(rebuild, item)).toEqual({ outcome: 'begun' });
    const begun = await world.everything(item);
    const page = { ...item, epoch: 2, after: '', orders: [order] };
    await expect(rebuild.page(page)).rejects.toMatchObject({ effect: 'none' });
    await expect(rebuild.end(endWith(item))).rejects.toMatchObject({ effect: 'none' });
    expect(await world.everything(item)).toEqual(begun);
    await world.server.client.config('SET', 'maxmemory', 0);
    await rebuild.page(page);
    await world.server.client.config('SET', 'maxmemory', 1);
    const end = endWith(item, { lastOrderId: order.orderId });
    await expect(rebuild.end(end)).rejects.toMatchObject({ effect: 'none' });
    await world.server.client.config('SET', 'maxmemory', 0);
    expect(await rebuild.end(end)).toEqual({ outcome: 'finished' });
  });
});

it.each(['shoppers', 'orders', 'passes'] as const)(
  'a page changes nothing where `%s` has a foreign type',
  async (key) => {
    const item = await world.opened();
    const order = rebuiltOrder(purchase(item), { passId: randomPassId() });
    await closeAndBegin(rebuild, item);
    await world.server.client.set(itemKeys(item)[key], 'foreign');
    const before = await world.everything(item);
    const page = { ...item, epoch: 2, after: '', orders: [order] };
    await expect(rebuild.page(page)).rejects.toMatchObject({ effect: 'none' });
    expect(await world.everything(item)).toEqual(before);
  },
);

describe('a look', () => {
  it('finds a gate at work, and a suspended one, whole', async () => {
    const item = await world.opened();
    expect(await rebuild.look(item)).toEqual({
      outcome: 'whole',
      epoch: 1,
      state: 'open',
      watermark: 0,
      isOutboxReadable: true,
    });
    await world.accepted(item);
    await world.gate.suspend({ ...item, epoch: 1 });
    expect(await rebuild.look(item)).toMatchObject({ outcome: 'whole', state: 'suspended' });
    await closeAndBegin(rebuild, item);
    await rebuild.end(endWith(item));
    expect(await rebuild.look(item)).toMatchObject({ outcome: 'whole', epoch: 2, state: 'open' });
  });

  it.each(['epoch', 'state', 'opens', 'closes', 'limit', 'sequence', 'watermark', 'version'])(
    'finds that the item lacks %s',
    async (field) => {
      const item = await world.opened();
      await world.server.client.hdel(itemKeys(item).item, field);
      expect(await rebuild.look(item)).toEqual({
        outcome: 'broken',
        epoch: field === 'epoch' ? 0 : 1,
        what: `item lacks ${field}`,
        isOutboxReadable: true,
      });
    },
  );

  it('finds that keys are missing, or that nothing is there', async () => {
    for (const [key, what] of [
      ['item', 'item is missing'],
      ['stock', 'stock is missing'],
      ['orders', 'orders are missing'],
      ['shoppers', 'shoppers are missing'],
    ] as const) {
      const item = await world.opened();
      await world.accepted(item);
      await world.server.client.del(itemKeys(item)[key]);
      expect(await rebuild.look(item)).toMatchObject({ outcome: 'broken', what });
    }
    expect(await rebuild.look(randomItem())).toEqual({
      outcome: 'broken',
      epoch: 0,
      what: 'item is missing',
      isOutboxReadable: true,
    });
    const odd = await world.opened();
    await world.server.client.set(itemKeys(odd).stock, '-1');
    expect(await rebuild.look(odd)).toMatchObject({ what: 'stock is not a number of units' });
  });
});
