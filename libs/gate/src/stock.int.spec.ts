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

describe('repair', () => {
  const seen = { epoch: 1, version: 1, changeId: 'repair:1:1' };

  it('applies once, raises the version either way, and answers a repeat with what it did', async () => {
    const item = await world.opened();
    const up = { ...item, ...seen, delta: 5 };
    expect(await world.gate.repair(up)).toEqual({ outcome: 'applied', delta: 5, available: 15 });
    expect(await world.gate.repair(up)).toEqual({ outcome: 'done', delta: 5 });
    expect(await world.itemNow(item)).toMatchObject({ version: 2, available: 15 });
    const down = { ...item, epoch: 1, version: 2, changeId: 'repair:1:2', delta: -3 };
    expect(await world.gate.repair(down)).toEqual({ outcome: 'applied', delta: -3, available: 12 });
    expect(await world.gate.repair(down)).toEqual({ outcome: 'done', delta: -3 });
    expect(await world.itemNow(item)).toMatchObject({ version: 3, available: 12 });
  });

  it('takes what is there where that is less', async () => {
    const item = await world.opened({ available: 2 });
    const down = { ...item, ...seen, delta: -3 };
    expect(await world.gate.repair(down)).toEqual({ outcome: 'applied', delta: -2, available: 0 });
    expect(await world.gate.repair(down)).toEqual({ outcome: 'done', delta: -2 });
  });

  it('changes nothing where the gate is not as it was seen', async () => {
    const item = await world.opened({ epoch: 2 });
    const unseen = { outcome: 'changed' };
    const before = await world.everything(item);
    const repair = { ...item, ...seen, epoch: 2, delta: 1 };
    expect(await world.gate.repair({ ...repair, epoch: 1 })).toEqual(unseen);
    expect(await world.gate.repair({ ...repair, epoch: 3 })).toEqual(unseen);
    expect(await world.gate.repair({ ...repair, version: 2 })).toEqual(unseen);
    expect(await world.gate.repair({ ...repair, ...randomItem() })).toEqual(unseen);
    expect(await world.everything(item)).toEqual(before);
    await world.gate.adjust({ ...item, epoch: 2, changeId: 'up', delta: 1 });
    expect(await world.gate.repair(repair)).toEqual(unseen);
    await world.gate.suspend({ ...item, epoch: 2 });
    const version = (await world.itemNow(item)).version;
    expect(await world.gate.repair({ ...repair, version })).toEqual(unseen);
    const half = await world.opened();
    await world.server.client.del(itemKeys(half).stock);
    expect(await world.gate.repair({ ...half, ...seen, delta: 1 })).toEqual(unseen);
    expect(await world.server.client.exists(itemKeys(half).stock)).toBe(0);
  });
});
