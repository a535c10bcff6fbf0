import { GateWorld, randomItem } from '@flux/testing';
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
