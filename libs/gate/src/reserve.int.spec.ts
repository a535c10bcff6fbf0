import type { ItemRef } from '@flux/contracts';
import { GateWorld, opening, purchase, randomItem } from '@flux/testing';
import { itemKeys, type ReserveCallReport } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

async function available(item: ItemRef): Promise<number | undefined> {
  return (await world.itemNow(item)).available;
}

describe('a purchase', () => {
  it('is accepted, and leaves stock, count, record and outbox entry together', async () => {
    const item = await world.opened();
    const request = purchase(item, { quantity: 3 });
    const outcome = await world.gate.reserve(request);

    expect(outcome).toMatchObject({
      outcome: 'accepted',
      order: { orderId: request.orderId, sequence: 1, quantity: 3 },
    });
    if (outcome.outcome !== 'accepted') throw new Error(outcome.outcome);
    const keys = itemKeys(item);
    expect(await world.server.client.get(keys.stock)).toBe('7');
    expect(await world.server.client.hgetall(keys.shoppers)).toEqual({ [request.shopperId]: '3' });
    expect(await world.outboxes.read(item, { after: '0-0', count: 10 })).toEqual([
      {
        outcome: 'event',
        id: '1-1',
        event: {
          type: 'orders-accepted.v1',
          ...item,
          epoch: 1,
          firstSequence: 1,
          acceptedAtMs: outcome.order.acceptedAtMs,
          orders: [
            {
              orderId: request.orderId,
              shopperId: request.shopperId,
              quantity: 3,
              fingerprint: request.fingerprint,
            },
          ],
        },
      },
    ]);
    const read = await world.gate.readOrder(request.orderId);
    expect(read).toMatchObject({
      outcome: 'order',
      order: { ...outcome.order, status: 'accepted', updatedAtMs: outcome.order.acceptedAtMs },
    });
    if (read.outcome !== 'order') throw new Error(read.outcome);
    expect(read.belongsTo(request.shopperId)).toBe(true);
    expect(read.belongsTo(`${request.shopperId}x`)).toBe(false);
  });

  it('is replayed with the same order, whatever has become of the item', async () => {
    const item = await world.opened({ available: 1 });
    const request = purchase(item);
    const first = await world.gate.reserve(request);
    if (first.outcome !== 'accepted') throw new Error(first.outcome);
    const replayed = { outcome: 'replayed', order: first.order };

    expect(await world.gate.reserve(request)).toEqual(replayed);
    await world.gate.pause(item);
    expect(await world.gate.reserve(request)).toEqual(replayed);
    await world.gate.close(item);
    expect(await world.gate.reserve(request)).toEqual(replayed);
    await world.gate.suspend({ ...item, epoch: 1 });
    expect(await world.gate.reserve(request)).toEqual(replayed);
    await world.server.client.set(itemKeys(item).current, 'another-sale');
    expect(await world.gate.reserve(request)).toEqual(replayed);
    await world.server.client.del(itemKeys(item).stock);
    expect(await world.gate.reserve(request)).toEqual(replayed);
  });

  it('under a used key with another payload is refused and changes nothing', async () => {
    const item = await world.opened();
    const key = 'k'.repeat(16);
    const shopperId = 'ann';
    await world.gate.reserve(purchase(item, { shopperId, key, quantity: 1 }));
    expect(await world.gate.reserve(purchase(item, { shopperId, key, quantity: 2 }))).toEqual({
      outcome: 'reused',
    });
    expect(await available(item)).toBe(9);
  });

  it('finds the item sold out, with the version and what is left', async () => {
    const item = await world.opened({ available: 2 });
    await world.gate.reserve(purchase(item));
    expect(await world.gate.reserve(purchase(item, { quantity: 2 }))).toEqual({
      outcome: 'soldOut',
      version: 1,
      available: 1,
    });
    await world.gate.reserve(purchase(item));
    expect(await world.gate.reserve(purchase(item))).toEqual({
      outcome: 'soldOut',
      version: 1,
      available: 0,
    });
    expect(await available(item)).toBe(0);
  });

  it('is held to the limit of its shopper over all keys', async () => {
    const item = await world.opened({ perShopperLimit: 2 });
    const shopperId = 'ann';
    await world.gate.reserve(purchase(item, { shopperId, quantity: 2 }));
    expect(await world.gate.reserve(purchase(item, { shopperId }))).toEqual({
      outcome: 'shopperLimit',
      limit: 2,
    });
    expect(await available(item)).toBe(8);
  });

  it('is counted with what its shopper bought in earlier calls', async () => {
    const item = await world.opened({ perShopperLimit: 2 });
    const shopperId = 'ann';
    const words = [];
    for (let call = 1; call <= 3; call++) {
      words.push((await world.gate.reserve(purchase(item, { shopperId }))).outcome);
    }
    expect(words).toEqual(['accepted', 'accepted', 'shopperLimit']);
    expect(await world.server.client.hgetall(itemKeys(item).shoppers)).toEqual({ ann: '2' });
  });

  it('comes too early, too late, or while the sale is paused or closed', async () => {
    const early = await world.opened({ opensAtMs: Date.now() + 50_000 });
    const outcome = await world.gate.reserve(purchase(early));
    expect(outcome).toMatchObject({ outcome: 'notOpen', reason: 'early' });
    if (outcome.outcome !== 'notOpen') throw new Error(outcome.outcome);
    expect(outcome.opensInMs).toBeGreaterThan(40_000);
    expect(outcome.opensInMs).toBeLessThanOrEqual(50_000);

    const late = await world.opened({ closesAtMs: Date.now() - 1 });
    expect(await world.gate.reserve(purchase(late))).toEqual({ outcome: 'closed' });

    const item = await world.opened();
    await world.gate.pause(item);
    expect(await world.gate.reserve(purchase(item))).toEqual({
      outcome: 'notOpen',
      reason: 'paused',
      opensInMs: 0,
    });
    await world.gate.resume(item);
    expect(await world.gate.reserve(purchase(item))).toMatchObject({ outcome: 'accepted' });
    await world.gate.close(item);
    expect(await world.gate.reserve(purchase(item))).toEqual({ outcome: 'closed' });
  });

  it('goes to the current sale only, unless it names its sale', async () => {
    const item = await world.opened();
    await world.gate.open(opening({ ...item, saleId: 'the-next-sale' }));
    expect(await world.gate.reserve(purchase(item))).toEqual({ outcome: 'moved', saleId: 'the-next-sale' });
    expect(await world.gate.reserve(purchase(item, { saleNamed: true }))).toMatchObject({
      outcome: 'accepted',
    });
  });

  it('finds the gate not ready where a key is missing, unreadable, suspended or too old', async () => {
    const notReady = { outcome: 'notReady' };
    expect(await world.gate.reserve(purchase(randomItem()))).toEqual(notReady);

    const suspended = await world.opened();
    await world.gate.suspend({ ...suspended, epoch: 1 });
    expect(await world.gate.reserve(purchase(suspended))).toEqual(notReady);

    const withoutStock = await world.opened();
    await world.server.client.del(itemKeys(withoutStock).stock);
    expect(await world.gate.reserve(purchase(withoutStock))).toEqual(notReady);
    expect(await world.server.client.exists(itemKeys(withoutStock).stock)).toBe(0);

    for (const foreign of ['', ' 5', '05', '-1', '1.5', 'many']) {
      const item = await world.opened();
      await world.server.client.set(itemKeys(item).stock, foreign);
      expect(await world.gate.reserve(purchase(item))).toEqual(notReady);
      expect(await world.server.client.get(itemKeys(item).stock)).toBe(foreign);
    }

    const withoutCurrent = await world.opened();
    await world.server.client.del(itemKeys(withoutCurrent).current);
    expect(await world.gate.reserve(purchase(withoutCurrent))).toEqual(notReady);

    const half = await world.opened();
    await world.server.client.hdel(itemKeys(half).item, 'limit');
    expect(await world.gate.reserve(purchase(half))).toEqual(notReady);
  });

  it('does not believe a gate that is older than one seen before', async () => {
    const item = await world.opened({ epoch: 3 });
    const request = purchase(item);
    await world.gate.reserve(request);
    await world.server.client.hset(itemKeys(item).item, 'epoch', 2);
    expect(await world.gate.reserve(request)).toEqual({ outcome: 'notReady' });
    expect(await world.gate.readOrder(request.orderId)).toEqual({ outcome: 'notReady' });
    expect(await available(item)).toBe(9);
  });
});

describe('requests of one turn', () => {
  it('share one call, and each sees those before it', async () => {
    const calls: ReserveCallReport[] = [];
    world.gate.observe({ onReserveCall: (report) => calls.push(report) });
    const item = await world.opened({ available: 3, perShopperLimit: 2 });
    const twice = purchase(item, { shopperId: 'ann', key: 'a'.repeat(16) });
    const outcomes = await Promise.all([
      world.gate.reserve(twice),
      world.gate.reserve(twice),
      world.gate.reserve(purchase(item, { shopperId: 'ann', key: 'a'.repeat(16), quantity: 2 })),
      world.gate.reserve(purchase(item, { shopperId: 'ann' })),
      world.gate.reserve(purchase(item, { shopperId: 'ann' })),
      world.gate.reserve(purchase(item, { shopperId: 'bob' })),
      world.gate.reserve(purchase(item, { shopperId: 'cyd' })),
    ]);
    world.gate.observe({});

    const words = ['accepted', 'replayed', 'reused', 'accepted', 'shopperLimit', 'accepted', 'soldOut'];
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(words);
    const [first, second] = outcomes;
    if (first.outcome !== 'accepted' || second.outcome !== 'replayed') throw new Error('no replay');
    expect(second.order).toEqual(first.order);
    expect(calls).toMatchObject([{ item, requests: 7, outcomes: words }]);
    expect(await world.server.client.hgetall(itemKeys(item).shoppers)).toEqual({ ann: '2', bob: '1' });
    const entries = await world.outboxes.read(item, { after: '0-0', count: 10 });
    const orders = ['ann', 'ann', 'bob'].map((shopperId) => ({ shopperId }));
    expect(entries).toMatchObject([{ id: '1-3', event: { firstSequence: 1, orders } }]);
  });

  it('for the last unit give it to one', async () => {
    const item = await world.opened({ available: 1 });
    const outcomes = await Promise.all([
      world.gate.reserve(purchase(item)),
      world.gate.reserve(purchase(item)),
    ]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['accepted', 'soldOut']);
  });

  it('with one key are one order: 200 at once', async () => {
    const item = await world.opened();
    const request = purchase(item);
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => world.gate.reserve(request)));
    expect(outcomes.filter(({ outcome }) => outcome === 'accepted')).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(199);
    const orders = outcomes.map((outcome) => ('order' in outcome ? outcome.order : undefined));
    expect(new Set(orders.map((order) => JSON.stringify(order))).size).toBe(1);
    expect(await available(item)).toBe(9);
  });

  it('are split at 64, and keep their order and their sequences', async () => {
    const item = await world.opened({ available: 150 });
    const requests = Array.from({ length: 150 }, () => purchase(item));
    const outcomes = await Promise.all(requests.map((request) => world.gate.reserve(request)));
    const sequences = outcomes.map((outcome) => ('order' in outcome ? outcome.order.sequence : 0));
    expect(sequences).toEqual(requests.map((_, index) => index + 1));
    const entries = await world.outboxes.read(item, { after: '0-0', count: 10 });
    expect(entries.map(({ id }) => id)).toEqual(['1-64', '1-128', '1-150']);
  });

  it('never suffer from a bad neighbour', async () => {
    const item = await world.opened();
    const good = purchase(item);
    const bad = [
      { ...good, saleId: 'a:b' },
      { ...good, productId: '{other}' },
      { ...good, orderId: `${good.orderId}x` },
      { ...good, orderId: purchase(randomItem()).orderId },
      { ...good, shopperId: 'a b' },
      { ...good, shopperId: 'a\nb' },
      { ...good, quantity: 0 },
      { ...good, quantity: 1.5 },
      { ...good, quantity: 11 },
      { ...good, quantity: Number.NaN },
      { ...good, fingerprint: 'short' },
    ];
    const results = await Promise.allSettled([...bad, good].map((request) => world.gate.reserve(request)));
    expect(results.slice(0, -1).map(({ status }) => status)).toEqual(bad.map(() => 'rejected'));
    expect(results.at(-1)).toMatchObject({ status: 'fulfilled', value: { outcome: 'accepted' } });
    expect(await available(item)).toBe(9);
  });
});
