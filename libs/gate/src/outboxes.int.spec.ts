import { GateWorld, purchase, randomItem } from '@flux/testing';
import { itemKeys, OUTBOXES_KEY } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

describe('a lease', () => {
  it('belongs to one owner, who moves the position', async () => {
    const item = await world.opened();
    const a = { ...item, owner: 'relay-a' };
    const b = { ...item, owner: 'relay-b' };
    const { outboxes } = world;
    expect(await outboxes.lease({ ...a, position: undefined })).toEqual({ outcome: 'held', position: '0-0' });
    const taken = await outboxes.lease({ ...b, position: '1-99' });
    if (taken.outcome !== 'taken') throw new Error(taken.outcome);
    expect(taken.remainingMs).toBeGreaterThan(8_000);
    expect(taken.remainingMs).toBeLessThanOrEqual(10_000);
    expect(await outboxes.lease({ ...a, position: '1-7' })).toEqual({ outcome: 'held', position: '1-7' });
    expect(await outboxes.lease({ ...a, position: undefined })).toEqual({ outcome: 'held', position: '1-7' });
    await outboxes.giveUpLease({ ...a, position: '1-9' });
    expect(await outboxes.lease({ ...b, position: '1-99' })).toEqual({ outcome: 'held', position: '1-9' });
  });

  it('passes on when it has run out', async () => {
    const item = await world.opened();
    await world.outboxes.lease({ ...item, owner: 'relay-a', position: undefined });
    await world.outboxes.lease({ ...item, owner: 'relay-a', position: '1-3' });
    await world.server.client.hset(itemKeys(item).lease, 'until', Date.now() - 1);
    expect(await world.outboxes.lease({ ...item, owner: 'relay-b', position: undefined })).toEqual({
      outcome: 'held',
      position: '1-3',
    });
  });

  it('is not given where there is nothing to read, but still for what an item left behind', async () => {
    const item = await world.opened();
    await world.accepted(item);
    const request = { ...item, owner: 'relay', position: undefined };
    await world.server.client.del(itemKeys(item).item);
    expect(await world.outboxes.lease(request)).toMatchObject({ outcome: 'held' });
    await world.server.client.del(itemKeys(item).outbox);
    expect(await world.outboxes.lease(request)).toEqual({ outcome: 'gone' });
    expect(await world.server.client.pttl(itemKeys(item).lease)).toBeGreaterThan(0);
  });
});

describe('the outboxes', () => {
  it('are listed, added and removed; foreign members are passed over', async () => {
    const items = [randomItem(), randomItem()];
    await world.outboxes.add(items);
    await world.outboxes.add([]);
    await world.server.client.sadd(OUTBOXES_KEY, 'not an item', 'a.b.c', '{a}.b');
    expect(await world.outboxes.list()).toEqual(expect.arrayContaining(items));
    for (const item of items) await world.outboxes.remove(item);
    for (const item of items) expect(await world.outboxes.list()).not.toContainEqual(item);
  });

  it('are read from a place on, and know their oldest order', async () => {
    const item = await world.opened();
    expect(await world.outboxes.oldestAcceptedAtMs(item)).toBeUndefined();
    const first = await world.gate.reserve(purchase(item));
    await world.accepted(item);
    await world.accepted(item);
    const entries = await world.outboxes.read(item, { after: '1-1', count: 1 });
    expect(entries).toMatchObject([{ id: '1-2', event: { firstSequence: 2 } }]);
    if (first.outcome !== 'accepted') throw new Error(first.outcome);
    expect(await world.outboxes.oldestAcceptedAtMs(item)).toBe(first.order.acceptedAtMs);
  });

  it('tell an entry that is not ours', async () => {
    const item = await world.opened();
    await world.server.client.xadd(itemKeys(item).outbox, '1-1', 'hello', 'world');
    expect(await world.outboxes.read(item, { after: '0-0', count: 1 })).toMatchObject([
      { outcome: 'unreadable', id: '1-1', fields: { hello: 'world' } },
    ]);
  });
});
