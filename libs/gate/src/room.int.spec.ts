import type { ItemRef } from '@flux/contracts';
import { connectGate, gateConfig, GateWorld, purchase, type GateClients } from '@flux/testing';
import { itemKeys, type ReserveRequest } from './index';

let world: GateWorld;
/** Another gateway, which may know less of the room. */
let other: GateClients;

beforeAll(async () => {
  world = await GateWorld.start();
  other = await connectGate(gateConfig(world.server.url));
});
afterAll(async () => {
  other.connection.close();
  await world.end();
});

const SINCE = 1_795_000_000_000;

async function guarded(state: 'on' | 'closed' = 'on'): Promise<ItemRef> {
  const item = await world.opened();
  world.gate.knowRoom(item.saleId, { since: SINCE, state });
  return item;
}

function withPass(
  item: ItemRef,
  passId = 'P'.repeat(16),
  options: Parameters<typeof purchase>[1] = {},
): ReserveRequest {
  return { ...purchase(item, options), passId };
}

describe('a room in front of an item', () => {
  it('takes only passes, also from a gateway that does not know of it yet', async () => {
    const item = await guarded();
    const refused = { outcome: 'waitingRoom', since: SINCE };
    expect(await other.gate.reserve(purchase(item))).toMatchObject({ outcome: 'accepted' });
    expect(await world.gate.reserve(purchase(item))).toEqual(refused);
    expect(await other.gate.reserve(purchase(item))).toEqual(refused);
    expect(await world.itemNow(item)).toMatchObject({ room: { since: SINCE, state: 'on' }, sequence: 1 });
    expect(await other.gate.reserve(withPass(item))).toMatchObject({ outcome: 'accepted' });
  });

  it('is kept by an accepted purchase as by a refused one, and a replay writes nothing', async () => {
    const item = await guarded();
    const request = withPass(item);
    expect(await world.gate.reserve(request)).toMatchObject({ outcome: 'accepted' });
    expect(await other.gate.reserve(purchase(item))).toMatchObject({ outcome: 'waitingRoom' });
    world.gate.knowRoom(item.saleId, { since: SINCE + 1, state: 'closed' });
    const before = await world.everything(item);
    expect(await world.gate.reserve(request)).toMatchObject({ outcome: 'replayed' });
    expect(await world.everything(item)).toEqual(before);
  });

  it('is outdone by a later one, and by no earlier one', async () => {
    const item = await guarded();
    await world.gate.reserve(purchase(item));
    other.gate.knowRoom(item.saleId, { since: SINCE + 1, state: 'off' });
    expect(await other.gate.reserve(purchase(item))).toMatchObject({ outcome: 'accepted' });
    expect(await world.gate.reserve(purchase(item))).toMatchObject({ outcome: 'accepted' });
    world.gate.knowRoom(item.saleId, { since: SINCE + 2, state: 'on' });
    expect(await world.gate.reserve(purchase(item))).toEqual({ outcome: 'waitingRoom', since: SINCE + 2 });
    expect(await other.gate.reserve(purchase(item))).toEqual({ outcome: 'waitingRoom', since: SINCE + 2 });
  });

  it('that is closed lets nobody new in, with or without a pass', async () => {
    const item = await guarded('closed');
    expect(await world.gate.reserve(purchase(item))).toMatchObject({ outcome: 'waitingRoom' });
    expect(await world.gate.reserve(withPass(item))).toMatchObject({ outcome: 'waitingRoom' });
    expect(await world.server.client.exists(itemKeys(item).passes)).toBe(0);
  });

  it('comes back to an item that was built anew with the next purchase', async () => {
    const item = await guarded();
    await world.gate.reserve(purchase(item));
    await world.server.client.hdel(itemKeys(item).item, 'room');
    expect(await world.gate.reserve(purchase(item))).toMatchObject({ outcome: 'waitingRoom' });
  });
});

describe('a pass', () => {
  it('is good for one accepted order of an item, whoever comes first in the same call', async () => {
    const item = await guarded();
    const requests = Array.from({ length: 20 }, () => withPass(item));
    const outcomes = (await Promise.all(requests.map((request) => world.gate.reserve(request)))).map(
      ({ outcome }) => outcome,
    );
    expect(outcomes).toEqual(['accepted', ...new Array<string>(19).fill('passUsed')]);
    expect(await other.gate.reserve(withPass(item))).toEqual({ outcome: 'passUsed' });
    expect(await world.itemNow(item)).toMatchObject({ sequence: 1, available: 9 });
    expect(await world.server.client.smembers(itemKeys(item).passes)).toEqual(['P'.repeat(16)]);
  });

  it('is not used up by a refusal', async () => {
    const item = await guarded();
    const greedy = withPass(item, 'Q'.repeat(16), { quantity: 10 });
    await world.gate.reserve(withPass(item));
    expect(await world.gate.reserve(greedy)).toMatchObject({ outcome: 'soldOut' });
    expect(await world.gate.reserve(withPass(item, 'Q'.repeat(16)))).toMatchObject({ outcome: 'accepted' });
  });

  it('travels with its order in the outbox, and no other order has one', async () => {
    const item = await guarded();
    const request = withPass(item);
    await world.gate.reserve(request);
    world.gate.knowRoom(item.saleId, { since: SINCE + 1, state: 'off' });
    await world.gate.reserve(purchase(item));
    const entries = await world.server.client.xrange(itemKeys(item).outbox, '-', '+');
    const words = entries.map(([, fields]) => fields[fields.indexOf('orders') + 1]?.split(' '));
    expect(words.map((line) => line?.length)).toEqual([5, 4]);
    expect(words[0]?.[4]).toBe('P'.repeat(16));
  });

  it('that is not 16 characters long is refused before the call', async () => {
    const item = await guarded();
    await expect(world.gate.reserve(withPass(item, 'short'))).rejects.toThrow('passId');
  });

  it('of a key with a foreign type takes nothing', async () => {
    const item = await guarded();
    await world.server.client.set(itemKeys(item).passes, 'foreign');
    const before = await world.everything(item);
    expect((await world.gate.reserve(withPass(item))).outcome).not.toBe('accepted');
    expect(await world.everything(item)).toEqual(before);
  });
});

describe('buyers from before a room', () => {
  it('are read once the item knows of the room, and not before', async () => {
    const item = await guarded();
    await other.gate.reserve(purchase(item, { shopperId: 'ann' }));
    expect(await world.gate.loadBuyersBefore(item, SINCE)).toBeUndefined();
    await world.gate.reserve(purchase(item));
    const buyers = await world.gate.loadBuyersBefore(item, SINCE);
    expect([buyers?.has('ann'), buyers?.has('bob')]).toEqual([true, false]);
    expect(await world.gate.loadBuyersBefore(item, SINCE + 1)).toBeUndefined();
  });
});

describe('exhaust', () => {
  it('holds until a unit comes back, and is not noted of a gate that has moved on', async () => {
    const item = await world.opened({ available: 1 });
    await world.gate.reserve(purchase(item));
    const seen = { ...item, epoch: 1, version: 1, sequence: 1 };
    expect(await world.gate.exhaust(seen)).toEqual({ outcome: 'changed' });
    await world.server.client.hset(itemKeys(item).item, 'watermark', '1');
    for (const stale of [{ epoch: 2 }, { version: 2 }, { sequence: 0 }]) {
      expect(await world.gate.exhaust({ ...seen, ...stale })).toEqual({ outcome: 'changed' });
    }
    expect(await world.itemNow(item)).toMatchObject({ isExhausted: false });
    expect(await world.gate.exhaust(seen)).toEqual({ outcome: 'done' });
    expect(await world.itemNow(item)).toMatchObject({ isExhausted: true });
    await world.gate.adjust({ ...item, epoch: 1, changeId: 'more', delta: 1 });
    expect(await world.itemNow(item)).toMatchObject({ isExhausted: false });
    expect(await world.gate.exhaust({ ...seen, version: 2 })).toEqual({ outcome: 'changed' });
  });
});
