import type { ItemRef } from '@flux/contracts';
import { endOf, GateWorld, prove, purchase, removeData } from '@flux/testing';
import { itemKeys, type ItemKeys, type ReserveRequest } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

interface Verb {
  readonly run: (item: ItemRef, order: ReserveRequest) => Promise<unknown>;
  /** All that it reads or writes. */
  readonly keys: readonly (keyof ItemKeys)[];
}

const VERBS: Readonly<Record<string, Verb>> = {
  adjust: {
    run: (item) => world.gate.adjust({ ...item, epoch: 1, changeId: 'c', delta: 1 }),
    keys: ['item', 'stock', 'changes'],
  },
  cancel: {
    run: (_, order) => world.gate.cancel(order),
    keys: ['item', 'orders', 'outbox', 'timeline'],
  },
  repair: {
    run: (item) => world.gate.repair({ ...item, epoch: 1, version: 1, changeId: 'repair:1:1', delta: 1 }),
    keys: ['item', 'stock', 'changes'],
  },
  release: {
    run: async (item, order) => world.release(item, endOf(order)),
    keys: ['item', 'stock', 'shoppers', 'orders', 'changes'],
  },
  retake: {
    run: (item, order) => world.gate.retake({ ...item, ...order, epoch: 1, changeId: 'pay:1' }),
    keys: ['item', 'stock', 'shoppers', 'changes'],
  },
  settle: {
    run: (item, order) =>
      world.settle(item, {
        watermark: 1,
        watermarkOrderId: order.orderId,
        states: [{ ...order, status: 'rejected', changedAtMs: 1 }],
      }),
    keys: ['item', 'shoppers', 'orders', 'outbox', 'timeline'],
  },
  forget: {
    run: (item, { shopperId, orderId }) =>
      world.gate.forget({ ...item, shopperId, pseudonym: 'nobody', orderIds: [orderId] }),
    keys: ['shoppers', 'orders'],
  },
};
const places = Object.entries(VERBS).flatMap(([name, { keys }]) => keys.map((key) => [name, key] as const));

it.each(places)('%s changes nothing where `%s` has a foreign type', async (name, key) => {
  const item = await world.opened();
  const order = await world.accepted(item);
  const { [key]: place } = itemKeys(item);
  await world.server.client.del(place);
  await world.server.client.sadd(place, 'foreign');
  const before = await world.everything(item);
  await expect(VERBS[name]?.run(item, order)).rejects.toMatchObject({ effect: 'none' });
  expect(await world.everything(item)).toEqual(before);
});

describe('a Redis without memory', () => {
  afterEach(async () => {
    await world.server.client.config('SET', 'maxmemory', 0);
  });

  it.each(['adjust', 'cancel', 'release', 'retake'])('has changed nothing by %s', async (name) => {
    const item = await world.opened();
    const order = await world.accepted(item);
    const before = await world.everything(item);
    await world.server.client.config('SET', 'maxmemory', 1);
    await expect(VERBS[name]?.run(item, order)).rejects.toMatchObject({ effect: 'none' });
    expect(await world.everything(item)).toEqual(before);
    await world.server.client.config('SET', 'maxmemory', 0);
    await VERBS[name]?.run(item, order);
    expect(await world.everything(item)).not.toEqual(before);
  });

  it.each(['settle', 'forget'])('still lets %s do all that it does', async (name) => {
    const item = await world.opened();
    const order = await world.accepted(item);
    await world.server.client.config('SET', 'maxmemory', 1);
    await VERBS[name]?.run(item, order);
    const done = await world.everything(item);
    await world.server.client.config('SET', 'maxmemory', 0);
    await VERBS[name]?.run(item, order);
    expect(await world.everything(item)).toEqual(done);
  });
});

it('forgets a wish to cancel together with its sequence: an intent that took its place is told apart', async () => {
  const item = await world.opened();
  const [ann, bob] = [await world.accepted(item), await world.accepted(item)];
  const data = await world.server.copyData();
  // Of this the restored server knows nothing.
  await world.gate.cancel(ann);
  await world.server.restoreData(data);
  await removeData(data);
  await world.clients.connection.whenReady();
  expect(await world.gate.cancel(bob)).toEqual({ outcome: 'notReady' });
  // Ann's intent had not come to the ledger when the gate was proven.
  await prove(world.clients.connection, item);
  expect(await world.gate.cancel(bob)).toMatchObject({ outcome: 'requested' });
  expect(await world.itemNow(item)).toMatchObject({ sequence: 3 });
  // The ledger has committed Ann's intent as sequence 3.
  expect(await world.settle(item, { watermark: 3, watermarkOrderId: ann.orderId })).toEqual({
    outcome: 'rewound',
  });
  expect(await world.gate.reserve(purchase(item))).toEqual({ outcome: 'notReady' });
});
