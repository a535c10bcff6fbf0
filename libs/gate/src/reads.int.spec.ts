import type { PublicSale } from '@flux/contracts';
import { endOf, GateWorld, opening, purchase, randomItem } from '@flux/testing';
import { CATALOGUE_KEY, itemKeys, saleKey, UnexpectedReplyError } from './index';

let world: GateWorld;

beforeEach(async () => {
  world = await GateWorld.start();
});
afterEach(async () => {
  await world.end();
});

function publicSale(id: string, ...productIds: readonly string[]): PublicSale {
  return {
    id,
    name: `Sale ${id}`,
    state: 'open',
    opensAt: '2026-11-22T10:00:00.000Z',
    closesAt: '2026-11-22T12:00:00.000Z',
    items: productIds.map((productId) => ({
      productId,
      name: productId,
      priceMinor: 100,
      currency: 'EUR',
      perShopperLimit: 1,
      lowBelow: 5,
    })),
  };
}

describe('reading orders and items', () => {
  it('tells what is not there', async () => {
    const item = randomItem();
    const { orderId } = purchase(item);
    expect(await world.gate.readOrder('no order id')).toEqual({ outcome: 'unknownOrder' });
    expect(await world.gate.readOrder(orderId)).toEqual({ outcome: 'notReady' });
    expect(await world.gate.readItem(item)).toBeUndefined();
    await world.gate.open(opening(item));
    expect(await world.gate.readOrder(orderId)).toEqual({ outcome: 'unknownOrder' });
    await world.server.client.del(itemKeys(item).stock);
    expect(await world.gate.readItem(item)).toMatchObject({ available: undefined });
  });

  it('reads many orders of an item, each as it would be read alone', async () => {
    const item = await world.opened({ available: 250 });
    const requests = Array.from({ length: 250 }, () => purchase(item));
    await Promise.all(requests.map((request) => world.gate.reserve(request)));
    const [ended, parked] = requests;
    if (ended === undefined || parked === undefined) throw new Error('no orders');
    await world.settle(item, {
      watermark: 120,
      watermarkOrderId: requests[119]?.orderId ?? '',
      states: [{ ...parked, status: 'accepted', quantity: 0, changedAtMs: 1 }],
    });
    await world.release(item, endOf(ended));
    const orderIds = [...requests.map(({ orderId }) => orderId), purchase(item).orderId, 'no order id'];
    const many = await world.gate.readOrders(item, orderIds);
    expect([...many.keys()]).toEqual(orderIds);
    const statuses = new Map<string, number>();
    for (const [orderId, outcome] of many) {
      const alone = await world.gate.readOrder(orderId);
      expect(JSON.stringify(outcome)).toBe(JSON.stringify(alone));
      const status = outcome.outcome === 'order' ? outcome.order.status : outcome.outcome;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(Object.fromEntries(statuses)).toEqual({
      expired: 1,
      accepted: 131,
      confirmed: 118,
      unknownOrder: 2,
    });
    expect(await world.gate.readOrders(item, [])).toEqual(new Map());
    const gone = await world.gate.readOrders(randomItem(), orderIds.slice(0, 1));
    expect([...gone.values()]).toEqual([{ outcome: 'notReady' }]);
  });

  it('knows no end of a hold where the item was opened without one', async () => {
    const item = await world.opened();
    const { orderId } = await world.accepted(item);
    await world.settle(item, { watermark: 1, watermarkOrderId: orderId });
    await world.server.client.hdel(itemKeys(item).item, 'hold');
    expect(await world.gate.readOrder(orderId)).toMatchObject({
      order: { status: 'confirmed', holdUntilMs: undefined },
    });
  });

  it('breaks on a record that is none, for its reader alone; a purchase of it hears `unknown`', async () => {
    const item = randomItem();
    await world.gate.open(opening(item));
    const request = purchase(item);
    await world.server.client.hset(itemKeys(item).orders, request.orderId, 'foreign');
    await expect(world.gate.readOrder(request.orderId)).rejects.toThrow(UnexpectedReplyError);
    const errors: Error[] = [];
    world.gate.observe({ onUnexpectedReply: (error) => errors.push(error) });
    const outcomes = await Promise.all([world.gate.reserve(request), world.gate.reserve(purchase(item))]);
    expect(outcomes).toMatchObject([{ outcome: 'unknown' }, { outcome: 'accepted' }]);
    expect(errors).toHaveLength(1);
  });

  it('iterates over thousands of shoppers', async () => {
    const item = randomItem();
    await world.gate.open(opening(item, { available: 3_000 }));
    const requests = Array.from({ length: 3_000 }, () => purchase(item));
    await Promise.all(requests.map((request) => world.gate.reserve(request)));
    const shoppers = new Map<string, number>();
    for await (const { shopperId, units } of world.gate.shoppersOf(item)) shoppers.set(shopperId, units);
    expect(shoppers).toEqual(new Map(requests.map(({ shopperId }) => [shopperId, 1])));
  });
});

describe('the buyers of a sold-out item', () => {
  it('are all who ever had an order accepted, and only for the version that was sold out', async () => {
    const item = randomItem();
    await world.gate.open(opening(item, { available: 2 }));
    const [ann, bob] = [purchase(item), purchase(item)];
    await world.gate.reserve(ann);
    expect(await world.gate.loadBuyers(item, 1)).toBeUndefined();
    await world.gate.reserve(bob);
    const buyers = await world.gate.loadBuyers(item, 1);
    expect(buyers?.size).toBe(2);
    expect(buyers?.has(ann.shopperId)).toBe(true);
    expect(buyers?.has(bob.shopperId)).toBe(true);
    expect(buyers?.has('somebody-else')).toBe(false);
    expect(await world.gate.loadBuyers(item, 2)).toBeUndefined();

    await world.release(item, endOf(ann));
    expect(await world.gate.loadBuyers(item, 2)).toBeUndefined();
    await world.gate.reserve(purchase(item));
    expect((await world.gate.loadBuyers(item, 2))?.has(ann.shopperId)).toBe(true);
    expect(await world.gate.loadBuyers(randomItem(), 1)).toBeUndefined();
  });
});

it('does not believe a scan during which something changed', async () => {
  const item = await world.opened({ available: 1 });
  await world.accepted(item);
  const load = world.gate.loadBuyers(item, 1);
  // On the same connection, so after the first look at the item and before the second.
  const pause = world.gate.pause(item);
  expect(await load).toBeUndefined();
  await pause;
});

describe('the catalogue', () => {
  it('is not ready before it is written, and then knows products and sales', async () => {
    const { catalogue } = world.clients;
    expect(await catalogue.isWritten()).toBe(false);
    expect(await catalogue.allSales()).toBeUndefined();
    expect(await catalogue.find('shoe')).toEqual({ outcome: 'notReady' });

    await catalogue.write({ sales: [] });
    expect(await catalogue.isWritten()).toBe(true);
    expect(await catalogue.find('shoe')).toEqual({ outcome: 'unknownProduct' });
    expect(await catalogue.allSales()).toEqual([]);

    const sales = [publicSale('autumn', 'shoe', 'hat'), publicSale('spring', 'shoe')];
    await catalogue.write({ sales });
    const shoe = { outcome: 'known', saleIds: ['autumn', 'spring'] };
    expect(await catalogue.find('shoe')).toEqual({ ...shoe, currentSaleId: undefined });
    await world.gate.open(opening({ saleId: 'spring', productId: 'shoe' }));
    expect(await catalogue.find('shoe')).toEqual({ ...shoe, currentSaleId: 'spring' });
    expect(await catalogue.find('hat')).toMatchObject({ saleIds: ['autumn'] });
    expect(await catalogue.find('glove')).toEqual({ outcome: 'unknownProduct' });
    expect(await catalogue.sale('autumn')).toEqual(sales[0]);
    expect(await catalogue.sale('winter')).toBeUndefined();
    expect(await catalogue.allSales()).toEqual(expect.arrayContaining(sales));
  });

  it('does not serve what is not a sale', async () => {
    await world.server.client.set(saleKey('spring'), '{"id":1}');
    await expect(world.clients.catalogue.sale('spring')).rejects.toThrow(UnexpectedReplyError);
    await world.server.client.set(saleKey('spring'), 'no json');
    await expect(world.clients.catalogue.sale('spring')).rejects.toThrow(UnexpectedReplyError);
    await expect(world.clients.catalogue.sale('a:b')).rejects.toThrow('saleId');
    await expect(world.clients.catalogue.find('{a}')).rejects.toThrow('productId');
    await world.server.client.del(CATALOGUE_KEY);
  });
});
