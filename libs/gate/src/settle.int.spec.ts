import { GateWorld, purchase, randomItem, SETTLED_AT_MS } from '@flux/testing';
import { InvalidRequestError, itemKeys, type ReserveRequest } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

describe('settle', () => {
  it('confirms up to the watermark, dates it, and trims what it covers', async () => {
    const item = await world.opened();
    const requests: ReserveRequest[] = [];
    for (let count = 0; count < 4; count += 1) requests.push(await world.accepted(item));
    const [first, second, third] = requests;
    const at = (request: ReserveRequest | undefined): string => request?.orderId ?? '';
    expect(await world.settle(item, { watermark: 1, watermarkOrderId: at(first) })).toEqual({
      outcome: 'settled',
      trimmed: 1,
    });
    const later = {
      watermark: 3,
      watermarkOrderId: at(third),
      // Of the first run the gate has heard: it keeps the time that it told.
      runs: [1, 2, 3].map((upTo) => ({ upTo, atMs: SETTLED_AT_MS + upTo * 1_000 })),
    };
    expect(await world.settle(item, later)).toEqual({ outcome: 'settled', trimmed: 2 });
    expect(await world.itemNow(item)).toMatchObject({ watermark: 3, outboxLength: 1, version: 1 });
    const statuses = await Promise.all(requests.map(({ orderId }) => world.gate.readOrder(orderId)));
    expect(statuses).toMatchObject([
      { order: { status: 'confirmed', updatedAtMs: SETTLED_AT_MS, holdUntilMs: SETTLED_AT_MS + 600_000 } },
      { order: { status: 'confirmed', updatedAtMs: SETTLED_AT_MS + 2_000 } },
      { order: { status: 'confirmed', updatedAtMs: SETTLED_AT_MS + 3_000 } },
      { order: { status: 'accepted', holdUntilMs: undefined } },
    ]);
    const before = await world.everything(item);
    expect(await world.settle(item, { watermark: 2, watermarkOrderId: at(second) })).toEqual({
      outcome: 'settled',
      trimmed: 0,
    });
    expect(await world.settle(item, later)).toEqual({ outcome: 'settled', trimmed: 0 });
    expect(await world.everything(item)).toEqual(before);
  });

  it('keeps an entry whose last order is above the watermark', async () => {
    const item = await world.opened();
    const requests = [purchase(item), purchase(item)];
    await Promise.all(requests.map((request) => world.gate.reserve(request)));
    const [first] = requests;
    expect(await world.settle(item, { watermark: 1, watermarkOrderId: first?.orderId ?? '' })).toEqual({
      outcome: 'settled',
      trimmed: 0,
    });
    expect(await world.outboxes.length(item)).toBe(1);
  });

  it('writes states, only forward, only where there is a record, and takes the count off once', async () => {
    const item = await world.opened();
    const { orderId, shopperId } = await world.accepted(item, { quantity: 2 });
    const unknown = purchase(item).orderId;
    const write = { orderId, shopperId, quantity: 2 };
    const steps = [
      ['accepted', 1, 'accepted', 1, '2'],
      ['confirmed', 2, 'confirmed', 2, '2'],
      ['accepted', 3, 'confirmed', 2, '2'],
      ['rejected', 4, 'rejected', 4, '0'],
      ['rejected', 5, 'rejected', 4, '0'],
      ['expired', 6, 'rejected', 4, '0'],
      ['confirmed', 7, 'rejected', 4, '0'],
      ['paid', 8, 'paid', 8, '0'],
      ['cancelled', 9, 'paid', 8, '0'],
    ] as const;
    for (const [status, changedAtMs, expected, updatedAtMs, count] of steps) {
      const states = [
        { ...write, orderId: unknown, status, changedAtMs },
        { ...write, status, changedAtMs },
      ];
      expect(await world.settle(item, { states })).toEqual({ outcome: 'settled', trimmed: 0 });
      expect(await world.gate.readOrder(orderId)).toMatchObject({
        order: { status: expected, updatedAtMs },
      });
      expect(await world.server.client.hget(itemKeys(item).shoppers, shopperId)).toBe(count);
    }
    expect(await world.gate.readOrder(unknown)).toEqual({ outcome: 'unknownOrder' });
    expect(await world.itemNow(item)).toMatchObject({ available: 8 });
  });

  it('writes thousands of states, the watermark last', async () => {
    const item = await world.opened({ available: 1_300 });
    const requests = Array.from({ length: 1_300 }, () => purchase(item));
    await Promise.all(requests.map((request) => world.gate.reserve(request)));
    const states = requests.map(({ orderId, shopperId }) => ({
      orderId,
      shopperId,
      status: 'rejected' as const,
      quantity: 1,
      changedAtMs: 1,
    }));
    const watermark = { watermark: 1_300, watermarkOrderId: requests.at(-1)?.orderId ?? '' };
    expect(await world.settle(item, { ...watermark, states })).toMatchObject({ outcome: 'settled' });
    const records = [...(await world.records(item)).values()];
    expect(records.filter(({ state }) => state === 'rejected')).toHaveLength(1_300);
    expect(await world.itemNow(item)).toMatchObject({ watermark: 1_300, outboxLength: 0 });
  });

  it('tells of runs that rise and end at the watermark, or is refused', async () => {
    const item = await world.opened();
    const { orderId } = await world.accepted(item);
    const settle = (upTos: readonly number[]): Promise<unknown> =>
      world.settle(item, {
        watermark: 1,
        watermarkOrderId: orderId,
        runs: upTos.map((upTo) => ({ upTo, atMs: 1 })),
      });
    for (const upTos of [[], [2], [1, 1], [2, 1], [0.5, 1]]) {
      await expect(settle(upTos)).rejects.toThrow(InvalidRequestError);
    }
    expect(await settle([1])).toMatchObject({ outcome: 'settled' });
    await expect(world.settle(item, { runs: [{ upTo: 1, atMs: 1 }] })).rejects.toThrow(InvalidRequestError);
  });

  it('goes up to an intent’s sequence, and the order reads as before until its own state is written', async () => {
    const item = await world.opened();
    const kept = await world.accepted(item);
    const rejected = await world.accepted(item);
    for (const { orderId, shopperId } of [kept, rejected]) await world.gate.cancel({ orderId, shopperId });
    const states = [{ ...rejected, status: 'rejected' as const, quantity: 1, changedAtMs: SETTLED_AT_MS }];
    expect(await world.settle(item, { watermark: 4, watermarkOrderId: rejected.orderId, states })).toEqual({
      outcome: 'settled',
      trimmed: 4,
    });
    expect(await world.gate.readOrder(kept.orderId)).toMatchObject({
      order: { status: 'confirmed', sequence: 1, cancelRequested: true, updatedAtMs: SETTLED_AT_MS },
    });
    expect(await world.gate.readOrder(rejected.orderId)).toMatchObject({
      order: { status: 'rejected', sequence: 2, cancelRequested: true },
    });
    const cancelled = { ...kept, status: 'cancelled' as const, changedAtMs: SETTLED_AT_MS + 1 };
    await world.settle(item, { states: [cancelled] });
    expect(await world.gate.readOrder(kept.orderId)).toMatchObject({
      order: { status: 'cancelled', cancelRequested: true, updatedAtMs: SETTLED_AT_MS + 1 },
    });
    expect((await world.records(item)).get(kept.orderId)).toMatchObject({ sequence: 1, cancelSequence: 3 });
  });

  it('confirms a parked order by name: its hold starts then', async () => {
    const item = await world.opened();
    const order = await world.accepted(item);
    const write = (status: 'accepted' | 'confirmed', changedAtMs: number): Promise<unknown> =>
      world.settle(item, { states: [{ ...order, status, quantity: 0, changedAtMs }] });
    await write('accepted', 5);
    await world.settle(item, { watermark: 1, watermarkOrderId: order.orderId });
    expect(await world.gate.readOrder(order.orderId)).toMatchObject({
      order: { status: 'accepted', holdUntilMs: undefined },
    });
    await write('confirmed', 7);
    expect(await world.gate.readOrder(order.orderId)).toMatchObject({
      order: { status: 'confirmed', updatedAtMs: 7, holdUntilMs: 600_007 },
    });
  });

  it('takes the count off once for an order that comes twice, and makes no count that is not there', async () => {
    const item = await world.opened();
    const order = await world.accepted(item, { quantity: 2 });
    const other = await world.accepted(item, { shopperId: order.shopperId, quantity: 3 });
    const expired = { ...order, status: 'expired' as const, changedAtMs: 1 };
    const stranger = { ...other, shopperId: 'stranger', status: 'expired' as const, changedAtMs: 1 };
    await world.settle(item, { states: [expired, expired, stranger] });
    expect(await world.server.client.hgetall(itemKeys(item).shoppers)).toEqual({ [order.shopperId]: '3' });
  });

  it('changes nothing in another epoch, where the item is gone, or where an earlier settle is missing', async () => {
    const item = await world.opened({ epoch: 2 });
    const { orderId, shopperId } = await world.accepted(item);
    const states = [{ orderId, shopperId, status: 'rejected' as const, quantity: 1, changedAtMs: 1 }];
    const before = await world.everything(item);
    const watermark = { watermark: 1, watermarkOrderId: orderId, states };
    expect(await world.settle(item, { ...watermark, epoch: 1 })).toEqual({ outcome: 'otherEpoch', epoch: 2 });
    expect(await world.settle(item, { ...watermark, epoch: 2, statesAfter: 1 })).toEqual({
      outcome: 'behind',
      watermark: 0,
    });
    expect(await world.settle(randomItem(), watermark)).toEqual({ outcome: 'gone' });
    expect(await world.everything(item)).toEqual(before);
    expect(await world.settle(item, { ...watermark, epoch: 2, statesAfter: 0 })).toMatchObject({
      outcome: 'settled',
    });
  });

  it('suspends an item whose gate does not know the watermark’s order, and trims nothing', async () => {
    const item = await world.opened();
    const { orderId } = await world.accepted(item);
    const other = await world.accepted(item);
    const lost = purchase(item).orderId;
    expect(await world.settle(item, { watermark: 2, watermarkOrderId: lost })).toEqual({
      outcome: 'rewound',
    });
    expect(await world.itemNow(item)).toMatchObject({
      state: 'suspended',
      version: 2,
      watermark: 0,
      outboxLength: 2,
    });
    expect(await world.settle(item, { watermark: 2, watermarkOrderId: lost })).toEqual({
      outcome: 'rewound',
    });
    expect(await world.itemNow(item)).toMatchObject({ version: 2 });
    // Known, but with another sequence: its place was taken again.
    expect(await world.settle(item, { watermark: 2, watermarkOrderId: orderId })).toEqual({
      outcome: 'rewound',
    });
    expect(await world.gate.reserve(purchase(item))).toEqual({ outcome: 'notReady' });
    expect(await world.gate.reserve(other)).toMatchObject({ outcome: 'replayed' });
  });

  it('suspends an item whose gate knows no such intent of the watermark’s order', async () => {
    for (const [watermark, whose] of [
      [3, 'without an intent'],
      [2, 'with another intent'],
    ] as const) {
      const item = await world.opened();
      const wished = await world.accepted(item);
      const other = await world.accepted(item);
      await world.gate.cancel(wished);
      const { orderId } = whose === 'with another intent' ? wished : other;
      expect(await world.settle(item, { watermark, watermarkOrderId: orderId })).toEqual({
        outcome: 'rewound',
      });
      expect(await world.itemNow(item)).toMatchObject({ state: 'suspended', outboxLength: 3 });
    }
  });
});
