import { GateWorld, purchase, randomItem, SETTLED_AT_MS } from '@flux/testing';
import { itemKeys, type ReserveRequest } from './index';

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
    const later = { ...item, epoch: 1, states: [], settledAtMs: SETTLED_AT_MS + 1_000 };
    expect(await world.gate.settle({ ...later, watermark: 3, watermarkOrderId: at(third) })).toEqual({
      outcome: 'settled',
      trimmed: 2,
    });
    expect(await world.itemNow(item)).toMatchObject({ watermark: 3, outboxLength: 1, version: 1 });
    const statuses = await Promise.all(requests.map(({ orderId }) => world.gate.readOrder(orderId)));
    expect(statuses).toMatchObject([
      { order: { status: 'confirmed', updatedAtMs: SETTLED_AT_MS } },
      { order: { status: 'confirmed', updatedAtMs: SETTLED_AT_MS + 1_000 } },
      { order: { status: 'confirmed', updatedAtMs: SETTLED_AT_MS + 1_000 } },
      { order: { status: 'accepted' } },
    ]);
    const before = await world.everything(item);
    expect(await world.settle(item, { watermark: 2, watermarkOrderId: at(second) })).toEqual({
      outcome: 'settled',
      trimmed: 0,
    });
    expect(await world.gate.settle({ ...later, watermark: 3, watermarkOrderId: at(third) })).toEqual({
      outcome: 'settled',
      trimmed: 0,
    });
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
    let rejected = 0;
    for await (const { record } of world.gate.recordsOf(item))
      rejected += record.state === 'rejected' ? 1 : 0;
    expect(rejected).toBe(1_300);
    expect(await world.itemNow(item)).toMatchObject({ watermark: 1_300, outboxLength: 0 });
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
});
