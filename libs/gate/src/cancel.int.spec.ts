import { endOf, GateWorld, purchase, randomItem, SETTLED_AT_MS } from '@flux/testing';
import { InvalidRequestError, itemKeys, UnexpectedReplyError } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

describe('a wish to cancel', () => {
  it('takes the next sequence, and leaves intent, record and outbox entry together', async () => {
    const item = await world.opened();
    const order = await world.accepted(item, { quantity: 3 });
    await world.accepted(item);
    const [placed] = await world.outboxes.read(item, { after: '0-0', count: 1 });
    const outcome = await world.gate.cancel(order);
    expect(outcome).toMatchObject({
      outcome: 'requested',
      order: { orderId: order.orderId, sequence: 1, status: 'accepted', cancelRequested: true },
    });
    expect(await world.itemNow(item)).toMatchObject({ sequence: 3, available: 6, version: 1 });
    const [intent, ...more] = await world.outboxes.read(item, { after: '1-2', count: 10 });
    expect(more).toEqual([]);
    expect(intent).toMatchObject({
      outcome: 'event',
      id: '1-3',
      event: {
        type: 'cancel-requested.v1',
        ...item,
        epoch: 1,
        firstSequence: 3,
        orderId: order.orderId,
        shopperId: order.shopperId,
      },
    });
    if (intent?.outcome !== 'event' || placed?.outcome !== 'event') throw new Error('no event');
    expect(intent.event.acceptedAtMs).toBeGreaterThanOrEqual(placed.event.acceptedAtMs);
    expect((await world.records(item)).get(order.orderId)).toMatchObject({
      state: undefined,
      sequence: 1,
      changedAtMs: undefined,
      cancelSequence: 3,
    });
    expect(await world.gate.reserve(order)).toMatchObject({ outcome: 'replayed', order: { sequence: 1 } });
    expect(await world.accepted(item).then(() => world.itemNow(item))).toMatchObject({ sequence: 4 });
  });

  it('is one wish, however often it comes', async () => {
    const item = await world.opened();
    const order = await world.accepted(item);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => world.gate.cancel(order)));
    const words = outcomes.map(({ outcome }) => outcome).sort();
    expect(words).toEqual([...Array.from({ length: 19 }, () => 'repeated'), 'requested']);
    expect(await world.itemNow(item)).toMatchObject({ sequence: 2, outboxLength: 2 });
    const before = await world.everything(item);
    expect(await world.gate.cancel(order)).toMatchObject({
      outcome: 'repeated',
      order: { status: 'accepted', cancelRequested: true },
    });
    expect(await world.everything(item)).toEqual(before);
  });

  it('is welcome while the order is open, and repeated once it is cancelled', async () => {
    const item = await world.opened();
    const [parked, confirmed, cancelled] = [
      await world.accepted(item),
      await world.accepted(item),
      await world.accepted(item),
    ];
    await world.settle(item, {
      watermark: 3,
      watermarkOrderId: cancelled.orderId,
      states: [
        { ...parked, status: 'accepted', quantity: 0, changedAtMs: 7 },
        { ...cancelled, status: 'cancelled', changedAtMs: 7 },
      ],
    });
    expect(await world.gate.cancel(parked)).toMatchObject({
      outcome: 'requested',
      order: { status: 'accepted', updatedAtMs: 7 },
    });
    expect((await world.records(item)).get(parked.orderId)).toMatchObject({
      changedAtMs: 7,
      cancelSequence: 4,
    });
    expect(await world.gate.cancel(confirmed)).toMatchObject({
      outcome: 'requested',
      order: { status: 'confirmed', updatedAtMs: SETTLED_AT_MS, holdUntilMs: SETTLED_AT_MS + 600_000 },
    });
    const before = await world.everything(item);
    expect(await world.gate.cancel(cancelled)).toMatchObject({
      outcome: 'repeated',
      order: { status: 'cancelled', cancelRequested: false },
    });
    expect(await world.everything(item)).toEqual(before);
  });

  it('comes too late once the order is paid, rejected or expired, also for a second time', async () => {
    const item = await world.opened();
    for (const status of ['paid', 'rejected', 'expired'] as const) {
      for (const wished of [false, true]) {
        const order = await world.accepted(item);
        if (wished) await world.gate.cancel(order);
        await world.settle(item, { states: [{ ...order, status, changedAtMs: 7 }] });
        const before = await world.everything(item);
        expect(await world.gate.cancel(order)).toMatchObject({
          outcome: 'notCancellable',
          order: { status, updatedAtMs: 7, cancelRequested: wished },
        });
        expect(await world.everything(item)).toEqual(before);
      }
    }
  });

  it('is for one’s own orders', async () => {
    const item = await world.opened();
    const { orderId } = await world.accepted(item);
    const before = await world.everything(item);
    const unknown = { outcome: 'unknownOrder' };
    expect(await world.gate.cancel({ orderId, shopperId: 'somebody-else' })).toEqual(unknown);
    expect(await world.gate.cancel(purchase(item))).toEqual(unknown);
    expect(await world.gate.cancel({ orderId: 'no order id', shopperId: 'ann' })).toEqual(unknown);
    await expect(world.gate.cancel({ orderId, shopperId: 'a b' })).rejects.toThrow(InvalidRequestError);
    expect(await world.everything(item)).toEqual(before);
  });

  it('is heard in a paused and in a closed item, not in a suspended, retired, old or missing one', async () => {
    const notReady = { outcome: 'notReady' };
    const item = await world.opened({ epoch: 2 });
    const orders = [await world.accepted(item), await world.accepted(item), await world.accepted(item)];
    const [first, second, third] = orders;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no orders');
    await world.gate.pause(item);
    expect(await world.gate.cancel(first)).toMatchObject({ outcome: 'requested' });
    await world.gate.close(item);
    expect(await world.gate.cancel(second)).toMatchObject({ outcome: 'requested' });
    await world.settle(item, { epoch: 2, watermark: 5, watermarkOrderId: second.orderId });
    await world.gate.retire({ ...item, endsAtMs: Date.now() + 3_600_000 });
    const retired = await world.everything(item);
    expect(await world.gate.cancel(third)).toEqual(notReady);
    expect(await world.gate.cancel(second)).toMatchObject({ outcome: 'repeated' });
    expect(await world.everything(item)).toEqual(retired);
    await world.gate.release({
      ...item,
      epoch: 2,
      releases: [endOf(third, { status: 'cancelled' })],
    });
    expect(await world.gate.cancel(third)).toMatchObject({ outcome: 'repeated' });

    // This process has seen epoch 2.
    await world.server.client.hset(itemKeys(item).item, 'epoch', 1);
    expect(await world.gate.cancel(second)).toEqual(notReady);
    const suspended = await world.opened();
    const order = await world.accepted(suspended);
    await world.gate.suspend({ ...suspended, epoch: 1 });
    expect(await world.gate.cancel(order)).toEqual(notReady);
    expect(await world.gate.cancel(purchase(randomItem()))).toEqual(notReady);
    const half = await world.opened();
    const ofHalf = await world.accepted(half);
    await world.server.client.hdel(itemKeys(half).item, 'sequence');
    expect(await world.gate.cancel(ofHalf)).toEqual(notReady);
  });

  it('raises the epoch that this process believes', async () => {
    const item = await world.opened({ epoch: 3 });
    const order = purchase(item);
    expect(await world.gate.cancel(order)).toEqual({ outcome: 'unknownOrder' });
    await world.server.client.hset(itemKeys(item).item, 'epoch', 2);
    expect(await world.gate.readOrder(order.orderId)).toEqual({ outcome: 'notReady' });
  });

  it('breaks on a record that is none, and writes nothing over it', async () => {
    const item = await world.opened();
    const order = purchase(item);
    await world.server.client.hset(itemKeys(item).orders, order.orderId, 'foreign');
    const before = await world.everything(item);
    await expect(world.gate.cancel(order)).rejects.toThrow(UnexpectedReplyError);
    expect(await world.everything(item)).toEqual(before);
  });
});
