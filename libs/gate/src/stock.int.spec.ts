import { GateWorld, purchase, randomItem } from '@flux/testing';
import { itemKeys } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

describe('adjust', () => {
  it('gives and takes once per change, and raises the version where units came back', async () => {
    const item = await world.opened();
    const up = { ...item, epoch: 1, changeId: 'up', delta: 5 };
    const down = { ...item, epoch: 1, changeId: 'down', delta: -3 };
    expect(await world.gate.adjust(up)).toEqual({ outcome: 'applied', available: 15 });
    expect(await world.gate.adjust(up)).toEqual({ outcome: 'done' });
    expect(await world.itemNow(item)).toMatchObject({ version: 2, available: 15 });
    expect(await world.gate.adjust(down)).toEqual({ outcome: 'applied', available: 12 });
    expect(await world.gate.adjust(down)).toEqual({ outcome: 'done' });
    expect(await world.itemNow(item)).toMatchObject({ version: 2, available: 12 });
  });

  it('never takes more than there is, and may try the same change again', async () => {
    const item = await world.opened({ available: 2 });
    const down = { ...item, epoch: 1, changeId: 'down', delta: -3 };
    const before = await world.everything(item);
    expect(await world.gate.adjust(down)).toEqual({ outcome: 'insufficient', available: 2 });
    expect(await world.everything(item)).toEqual(before);
    await world.gate.adjust({ ...item, epoch: 1, changeId: 'up', delta: 1 });
    expect(await world.gate.adjust(down)).toEqual({ outcome: 'applied', available: 0 });
  });

  it('is done in a newer epoch, and not ready in an older one, without keys, or suspended', async () => {
    const item = await world.opened({ epoch: 2 });
    const change = { changeId: 'c', delta: 1 };
    const before = await world.everything(item);
    expect(await world.gate.adjust({ ...item, ...change, epoch: 1 })).toEqual({ outcome: 'done' });
    expect(await world.gate.adjust({ ...item, ...change, epoch: 3 })).toEqual({ outcome: 'notReady' });
    expect(await world.gate.adjust({ ...randomItem(), ...change, epoch: 1 })).toEqual({
      outcome: 'notReady',
    });
    expect(await world.everything(item)).toEqual(before);
    await world.gate.suspend({ ...item, epoch: 2 });
    expect(await world.gate.adjust({ ...item, ...change, epoch: 2 })).toEqual({ outcome: 'notReady' });
    const half = await world.opened();
    await world.server.client.del(itemKeys(half).stock);
    expect(await world.gate.adjust({ ...half, ...change, epoch: 1 })).toEqual({ outcome: 'notReady' });
    expect(await world.server.client.exists(itemKeys(half).stock)).toBe(0);
  });
});

describe('release', () => {
  const ending = { epoch: 1, status: 'expired', changedAtMs: 1_800_000_000_000 } as const;

  it('gives back units and count once, and the status goes forward', async () => {
    const item = await world.opened();
    const { orderId, shopperId } = await world.accepted(item, { quantity: 4 });
    const release = { ...item, ...ending, orderId, shopperId, quantity: 4 };
    expect(await world.gate.release(release)).toEqual({ outcome: 'released', available: 10 });
    expect(await world.gate.release(release)).toEqual({ outcome: 'done' });
    expect(await world.gate.release({ ...release, status: 'cancelled' })).toEqual({ outcome: 'done' });
    expect(await world.itemNow(item)).toMatchObject({ available: 10, version: 2 });
    expect(await world.server.client.hget(itemKeys(item).shoppers, shopperId)).toBe('0');
    expect(await world.gate.readOrder(orderId)).toMatchObject({
      order: { status: 'expired', updatedAtMs: ending.changedAtMs },
    });
  });

  it('gives back the units of an order whose end settle has written, but not its count again', async () => {
    const item = await world.opened();
    const { orderId, shopperId } = await world.accepted(item, { quantity: 2 });
    await world.accepted(item, { shopperId, quantity: 3 });
    const { changedAtMs } = ending;
    await world.settle(item, {
      states: [{ orderId, status: 'cancelled', shopperId, quantity: 2, changedAtMs }],
    });
    const release = { ...item, ...ending, orderId, shopperId, quantity: 2 };
    expect(await world.gate.release(release)).toEqual({ outcome: 'released', available: 7 });
    expect(await world.server.client.hget(itemKeys(item).shoppers, shopperId)).toBe('3');
    expect(await world.gate.readOrder(orderId)).toMatchObject({ order: { status: 'cancelled' } });
  });

  it('is done where the gate never gave the units away, in a newer epoch, and where the item is gone', async () => {
    const item = await world.opened({ epoch: 2 });
    const { orderId, shopperId } = await world.accepted(item);
    const unknown = purchase(item);
    const release = { ...item, ...ending, epoch: 2, orderId, shopperId, quantity: 1 };
    const before = await world.everything(item);
    expect(await world.gate.release({ ...release, orderId: unknown.orderId })).toEqual({ outcome: 'done' });
    expect(await world.gate.release({ ...release, epoch: 1 })).toEqual({ outcome: 'done' });
    expect(await world.gate.release({ ...release, epoch: 3 })).toEqual({ outcome: 'notReady' });
    expect(await world.everything(item)).toEqual(before);
    await world.settle(item, {
      epoch: 2,
      states: [{ orderId, status: 'rejected', shopperId, quantity: 1, changedAtMs: 1 }],
    });
    expect(await world.gate.release(release)).toEqual({ outcome: 'done' });
    expect(await world.itemNow(item)).toMatchObject({ available: 9 });
    await world.server.client.del(itemKeys(item).stock);
    expect(await world.gate.release({ ...release, orderId: unknown.orderId })).toEqual({
      outcome: 'notReady',
    });
    await world.server.client.del(itemKeys(item).item);
    expect(await world.gate.release(release)).toEqual({ outcome: 'done' });
  });
});
