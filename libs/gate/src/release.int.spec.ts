import { ENDED_AT_MS, endOf, GateWorld, purchase, SETTLED_AT_MS } from '@flux/testing';
import type { ItemRef } from '@flux/contracts';
import { InvalidRequestError, itemKeys, MAX_RELEASES_PER_CALL, type Release } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

const released = (count: number): object => ({ outcome: 'released', released: count });

describe('release', () => {
  it('gives back units and count once, and the status goes forward', async () => {
    const item = await world.opened();
    const order = await world.accepted(item, { quantity: 4 });
    expect(await world.release(item, endOf(order))).toEqual(released(1));
    const before = await world.everything(item);
    expect(await world.release(item, endOf(order))).toEqual(released(0));
    expect(await world.release(item, endOf(order, { status: 'cancelled' }))).toEqual(released(0));
    expect(await world.everything(item)).toEqual(before);
    expect(await world.itemNow(item)).toMatchObject({ available: 10, version: 2 });
    expect(await world.countOf(item, order.shopperId)).toBe('0');
    expect(await world.gate.readOrder(order.orderId)).toMatchObject({
      order: { status: 'expired', updatedAtMs: ENDED_AT_MS, holdUntilMs: undefined },
    });
  });

  it('takes a list: each of them once, also where one comes twice, with one new version', async () => {
    const item = await world.opened();
    const [ann, bob] = [await world.accepted(item, { quantity: 2 }), await world.accepted(item)];
    const again = await world.accepted(item, { shopperId: ann.shopperId, quantity: 3 });
    const list = [ann, bob, ann, again].map((order) => endOf(order));
    expect(await world.release(item, ...list)).toEqual(released(3));
    expect(await world.itemNow(item)).toMatchObject({ available: 10, version: 2 });
    expect([await world.countOf(item, ann.shopperId), await world.countOf(item, bob.shopperId)]).toEqual([
      '0',
      '0',
    ]);
    expect(await world.release(item)).toEqual(released(0));
  });

  it('takes more than fit in one call', async () => {
    const many = MAX_RELEASES_PER_CALL * 2 + 1;
    const item = await world.opened({ available: many });
    const requests = Array.from({ length: many }, () => purchase(item));
    await Promise.all(requests.map((request) => world.gate.reserve(request)));
    expect(await world.release(item, ...requests.map((request) => endOf(request)))).toEqual(released(many));
    expect(await world.itemNow(item)).toMatchObject({ available: many, version: 4 });
  });

  it('gives back the units of an order whose end settle has written, but not its count again', async () => {
    const item = await world.opened();
    const order = await world.accepted(item, { quantity: 2 });
    await world.accepted(item, { shopperId: order.shopperId, quantity: 3 });
    const states = [{ ...order, status: 'cancelled' as const, changedAtMs: SETTLED_AT_MS }];
    await world.settle(item, { states });
    expect(await world.release(item, endOf(order))).toEqual(released(1));
    expect(await world.itemNow(item)).toMatchObject({ available: 7 });
    expect(await world.countOf(item, order.shopperId)).toBe('3');
    expect(await world.gate.readOrder(order.orderId)).toMatchObject({ order: { status: 'cancelled' } });
  });

  it('comes before the settle of its order as well as after: the count goes back once', async () => {
    const item = await world.opened();
    const order = await world.accepted(item, { quantity: 2 });
    await world.accepted(item, { shopperId: order.shopperId, quantity: 3 });
    await world.release(item, endOf(order, { status: 'cancelled' }));
    const states = [{ ...order, status: 'cancelled' as const, changedAtMs: SETTLED_AT_MS }];
    await world.settle(item, { watermark: 1, watermarkOrderId: order.orderId, states });
    expect(await world.itemNow(item)).toMatchObject({ available: 7, watermark: 1 });
    expect(await world.countOf(item, order.shopperId)).toBe('3');
    expect(await world.gate.readOrder(order.orderId)).toMatchObject({
      order: { status: 'cancelled', updatedAtMs: ENDED_AT_MS },
    });
  });

  it('of a parked order gives back what was booked, and all of the count', async () => {
    const item = await world.opened();
    const order = await world.accepted(item, { quantity: 4 });
    const version = (await world.itemNow(item)).version;
    await world.settle(item, {
      states: [{ ...order, status: 'accepted', quantity: 0, changedAtMs: 1 }],
    });
    expect(await world.release(item, endOf(order, { status: 'cancelled', units: 0 }))).toEqual(released(1));
    expect(await world.itemNow(item)).toMatchObject({ available: 6, version });
    expect(await world.countOf(item, order.shopperId)).toBe('0');
  });

  it('keeps the sequences of order and intent in the record', async () => {
    const item = await world.opened();
    const order = await world.accepted(item);
    await world.gate.cancel(order);
    await world.release(item, endOf(order, { status: 'cancelled' }));
    expect((await world.records(item)).get(order.orderId)).toMatchObject({
      state: 'cancelled',
      sequence: 1,
      cancelSequence: 2,
      changedAtMs: ENDED_AT_MS,
    });
    expect(await world.settle(item, { watermark: 2, watermarkOrderId: order.orderId })).toMatchObject({
      outcome: 'settled',
    });
  });

  it('does nothing where the gate never gave the units away, in another epoch, and where keys are gone', async () => {
    const item = await world.opened({ epoch: 2 });
    const order = await world.accepted(item);
    const unknown = purchase(item);
    const release = (epoch: number, ...releases: readonly Release[]): Promise<unknown> =>
      world.gate.release({ ...item, epoch, releases });
    const before = await world.everything(item);
    expect(await release(2, endOf(unknown))).toEqual(released(0));
    expect(await release(1, endOf(order))).toEqual({ outcome: 'done' });
    expect(await release(3, endOf(order))).toEqual({ outcome: 'notReady' });
    expect(await world.everything(item)).toEqual(before);
    const rejected = { ...order, status: 'rejected' as const, changedAtMs: 1 };
    await world.settle(item, { epoch: 2, states: [rejected] });
    expect(await release(2, endOf(order))).toEqual(released(0));
    expect(await world.itemNow(item)).toMatchObject({ available: 9 });
    await world.server.client.del(itemKeys(item).stock);
    expect(await release(2, endOf(unknown))).toEqual({ outcome: 'notReady' });
    await world.server.client.del(itemKeys(item).item);
    expect(await release(2, endOf(order))).toEqual({ outcome: 'done' });
  });

  it('goes on in a suspended item: the rebuild counts anew', async () => {
    const item = await world.opened();
    const order = await world.accepted(item);
    await world.gate.suspend({ ...item, epoch: 1 });
    expect(await world.release(item, endOf(order))).toEqual(released(1));
    expect(await world.gate.readOrder(order.orderId)).toMatchObject({ order: { status: 'expired' } });
  });

  it('refuses what is no release', async () => {
    const item = await world.opened();
    const order = await world.accepted(item);
    const bad: readonly Partial<Release>[] = [
      { units: -1 },
      { units: 0.5 },
      { counted: -1 },
      { changedAtMs: Number.NaN },
      { shopperId: 'a b' },
    ];
    for (const options of bad) {
      await expect(world.release(item, endOf(order, options))).rejects.toThrow(InvalidRequestError);
    }
  });
});

it('ends what it remembers of a retired item with the item', async () => {
  const endsAtMs = Date.now() + 24 * 3_600_000;
  const changes = [
    (item: ItemRef, order: Parameters<typeof endOf>[0]) => world.release(item, endOf(order)),
    (item: ItemRef, order: Parameters<typeof endOf>[0]) =>
      world.gate.retake({ ...item, ...order, epoch: 1, changeId: 'pay:1' }),
  ];
  for (const change of changes) {
    const item = await world.opened();
    const order = await world.accepted(item);
    await world.settle(item, { watermark: 1, watermarkOrderId: order.orderId });
    await world.gate.close(item);
    expect(await world.gate.retire({ ...item, endsAtMs })).toEqual({ outcome: 'retired' });
    await change(item, order);
    const { changes: key } = itemKeys(item);
    expect(Math.abs((await world.server.client.pexpiretime(key)) - endsAtMs)).toBeLessThan(100);
  }
});
