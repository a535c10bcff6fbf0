import { GateWorld, opening, randomItem, randomPassId } from '@flux/testing';
import { itemKeys } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

describe('open', () => {
  it('makes the item, its stock, its place as the current sale, and its outbox known', async () => {
    const item = randomItem();
    const request = opening(item, { available: 7, perShopperLimit: 2, epoch: 4 });
    expect(await world.gate.open(request)).toEqual({ outcome: 'opened' });
    expect(await world.gate.readItem(item)).toEqual({
      epoch: 4,
      state: 'open',
      opensAtMs: request.opensAtMs,
      closesAtMs: request.closesAtMs,
      perShopperLimit: 2,
      sequence: 0,
      watermark: 0,
      version: 1,
      available: 7,
      outboxLength: 0,
      room: undefined,
      isExhausted: false,
    });
    expect(await world.server.client.hget(itemKeys(item).item, 'hold')).toBe('600000');
    expect(await world.server.client.get(itemKeys(item).current)).toBe(item.saleId);
    expect(await world.outboxes.list()).toContainEqual(item);
  });

  it('changes nothing the second time, or in another epoch', async () => {
    const item = await world.opened();
    await world.accepted(item);
    await world.gate.pause(item);
    const before = await world.everything(item);
    expect(await world.gate.open(opening(item))).toEqual({ outcome: 'alreadyOpened', state: 'paused' });
    expect(await world.gate.open(opening(item, { epoch: 2 }))).toEqual({ outcome: 'otherEpoch', epoch: 1 });
    expect(await world.everything(item)).toEqual(before);
  });

  it('refuses keys of a foreign type, and keys that an item left behind', async () => {
    const foreign = randomItem();
    const keys = itemKeys(foreign);
    for (const key of [
      keys.current,
      keys.item,
      keys.stock,
      keys.shoppers,
      keys.orders,
      keys.outbox,
      keys.lease,
    ]) {
      await world.server.client.sadd(key, 'foreign');
      expect(await world.gate.open(opening(foreign))).toEqual({ outcome: 'unsafe', key });
      await world.server.client.del(key);
    }
    for (const key of [keys.outbox, keys.passes]) {
      await world.server.client.set(key, 'a string');
      expect(await world.gate.open(opening(foreign))).toEqual({ outcome: 'unsafe', key });
      await world.server.client.del(key);
    }
    await world.server.client.sadd(keys.passes, randomPassId());
    expect(await world.gate.open(opening(foreign))).toEqual({ outcome: 'unsafe', key: keys.passes });
    expect(await world.server.client.exists(keys.item, keys.stock, keys.current)).toBe(0);

    const wiped = await world.opened();
    await world.accepted(wiped);
    await world.server.client.del(itemKeys(wiped).item);
    expect(await world.gate.open(opening(wiped))).toEqual({
      outcome: 'unsafe',
      key: itemKeys(wiped).stock,
    });
  });
});

describe('pause, resume, close and suspend', () => {
  it('go from state to state, raise the version only with a change, and refuse the rest', async () => {
    const item = await world.opened();
    const { gate } = world;
    const done = { outcome: 'done' };
    const steps: readonly [() => Promise<unknown>, unknown, string, number][] = [
      [() => gate.resume(item), done, 'open', 1],
      [() => gate.pause(item), done, 'paused', 2],
      [() => gate.pause(item), done, 'paused', 2],
      [() => gate.resume(item), done, 'open', 3],
      [() => gate.close(item), done, 'closed', 4],
      [() => gate.close(item), done, 'closed', 4],
      [() => gate.resume(item), { outcome: 'refused', state: 'closed' }, 'closed', 4],
      [() => gate.pause(item), { outcome: 'refused', state: 'closed' }, 'closed', 4],
      [() => gate.suspend({ ...item, epoch: 0 }), done, 'closed', 4],
      [() => gate.suspend({ ...item, epoch: 1 }), done, 'suspended', 5],
      [() => gate.suspend({ ...item, epoch: 1 }), done, 'suspended', 5],
      [() => gate.resume(item), { outcome: 'refused', state: 'suspended' }, 'suspended', 5],
      [() => gate.close(item), { outcome: 'refused', state: 'suspended' }, 'suspended', 5],
    ];
    for (const [step, outcome, state, version] of steps) {
      expect(await step()).toEqual(outcome);
      expect(await world.itemNow(item)).toMatchObject({ state, version });
    }
  });

  it('find an item gone', async () => {
    const item = randomItem();
    const gone = { outcome: 'gone' };
    expect(await world.gate.pause(item)).toEqual(gone);
    expect(await world.gate.resume(item)).toEqual(gone);
    expect(await world.gate.close(item)).toEqual(gone);
    expect(await world.gate.suspend({ ...item, epoch: 1 })).toEqual(gone);
    expect(await world.server.client.exists(itemKeys(item).item)).toBe(0);
  });
});

describe('retire', () => {
  const endsAtMs = Date.now() + 24 * 3_600_000;

  it('waits for the close and for the outbox', async () => {
    const item = await world.opened();
    const last = await world.accepted(item);
    expect(await world.gate.retire({ ...item, endsAtMs })).toEqual({
      outcome: 'refused',
      state: 'open',
      outboxLength: 1,
    });
    await world.gate.close(item);
    expect(await world.gate.retire({ ...item, endsAtMs })).toEqual({
      outcome: 'refused',
      state: 'closed',
      outboxLength: 1,
    });
    await world.settle(item, { watermark: 1, watermarkOrderId: last.orderId });
    expect(await world.gate.retire({ ...item, endsAtMs })).toEqual({ outcome: 'retired' });
    expect(await world.outboxes.list()).not.toContainEqual(item);
    expect(await world.gate.retire({ ...item, endsAtMs })).toEqual({ outcome: 'retired' });
  });

  it('dates every key, later ones too, but not the next sale of the product', async () => {
    const item = await world.opened();
    const last = await world.accepted(item, { passId: randomPassId() });
    await world.settle(item, { watermark: 1, watermarkOrderId: last.orderId });
    await world.outboxes.lease({ ...item, owner: 'relay', position: undefined });
    await world.gate.open(opening({ ...item, saleId: 'next' }));
    await world.gate.close(item);
    await world.gate.retire({ ...item, endsAtMs });
    expect(await world.gate.adjust({ ...item, epoch: 1, changeId: 'late', delta: -1 })).toMatchObject({
      outcome: 'applied',
    });
    const { current, channel, ...ending } = itemKeys(item);
    for (const key of Object.values(ending)) {
      expect(Math.abs((await world.server.client.pexpiretime(key)) - endsAtMs)).toBeLessThan(100);
    }
    expect(await world.server.client.pttl(current)).toBe(-1);
    expect(channel).toContain(item.saleId);
  });

  it('finds an item gone', async () => {
    expect(await world.gate.retire({ ...randomItem(), endsAtMs })).toEqual({ outcome: 'gone' });
  });
});
