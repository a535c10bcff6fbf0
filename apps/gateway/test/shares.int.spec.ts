import { randomUUID } from 'node:crypto';
import type { ItemRef } from '@flux/contracts';
import { SHARE_KINDS, Shares, shareKeys } from '@flux/gate';
import { waitUntil } from '@flux/testing';
import { buy, randomId, startGateway, useWorld, type Purchase, type TestGateway } from './world';

const PROXY = { FLUX_TRUSTED_PROXIES: '127.0.0.1' };

describe('what the buyers of a sale share', () => {
  const world = useWorld(PROXY);

  const unitsOf = async ({ saleId }: ItemRef) => {
    const shares = new Shares(world.shop.connection);
    const kinds = await Promise.all(SHARE_KINDS.map((kind) => shares.read(saleId, kind)));
    return Object.fromEntries(SHARE_KINDS.map((kind, index) => [kind, kinds[index]])) as {
      readonly [Kind in (typeof SHARE_KINDS)[number]]: ReadonlyMap<string, number>;
    };
  };
  const sortedUnits = (units: ReadonlyMap<string, number>) => [...units.values()].sort((a, b) => b - a);
  const total = (units: ReadonlyMap<string, number>) =>
    [...units.values()].reduce((sum, each) => sum + each, 0);

  const from = (ip: string, item: ItemRef, more: Partial<Purchase> & { readonly quantity?: number } = {}) => {
    const { quantity = 1, headers, ...rest } = more;
    return { body: { ...item, quantity }, headers: { 'x-forwarded-for': ip, ...headers }, ...rest };
  };
  const statusesOf = async (purchases: readonly Purchase[], gateway: TestGateway = world.gateway) => {
    const statuses: number[] = [];
    for (const purchase of purchases) statuses.push((await buy(gateway, purchase)).status);
    return statuses;
  };
  const added = (item: ItemRef, units: number) =>
    waitUntil('all are added', async () => total((await unitsOf(item)).address) === units);

  it('is counted by address, /56 and device hint, over all gateways, as hashes', async () => {
    const other = await startGateway(world.redis.url, PROXY);
    const item = await world.shop.open();
    const hint = { 'x-device-hint': 'a-browser_1' };
    await statusesOf([
      from('203.0.113.7', item, { quantity: 3, headers: hint }),
      from('::ffff:203.0.113.7', item),
      from('2001:db8:1:200::1', item, { headers: hint }),
    ]);
    await statusesOf(
      [from('2001:db8:1:2ff::2', item, { quantity: 2, headers: { 'x-device-hint': 'bad' } })],
      other,
    );
    await added(item, 7);
    await waitUntil('the devices are added', async () => total((await unitsOf(item)).device) === 4);
    const { address, network, device } = await unitsOf(item);
    expect(sortedUnits(address)).toEqual([4, 2, 1]);
    expect(sortedUnits(network)).toEqual([4, 3]);
    expect(sortedUnits(device)).toEqual([4]);
    for (const source of [...address.keys(), ...network.keys(), ...device.keys()]) {
      expect(source).toMatch(/^[A-Za-z0-9_-]{16}$/);
    }
    await other.close();
  });

  it('is counted once for an order: neither a replay nor a refusal counts', async () => {
    const item = await world.shop.open({ stock: 3, perShopperLimit: 2 });
    const once = from('203.0.113.7', item, { shopper: randomId('shopper'), key: randomUUID(), quantity: 2 });
    const statuses = await statusesOf([
      once,
      once,
      { ...once, key: randomUUID() },
      from('203.0.113.8', item, { quantity: 2 }),
      from('203.0.113.9', item),
    ]);
    expect(statuses).toEqual([202, 202, 409, 409, 202]);
    await added(item, 3);
    expect(sortedUnits((await unitsOf(item)).address)).toEqual([2, 1]);
  });

  it('says the addresses where that is configured, and is added when the gateway ends', async () => {
    const gateway = await startGateway(world.redis.url, { ...PROXY, FLUX_CONCENTRATION_ADDRESSES: 'clear' });
    const item = await world.shop.open();
    await statusesOf([from('203.0.113.7', item), from('2001:db8:1:2ff::2', item)], gateway);
    await gateway.close();
    const { address, network } = await unitsOf(item);
    expect([...address.keys()].sort()).toEqual(['2001:db8:1:2ff::2', '203.0.113.7']);
    expect([...network.keys()].sort()).toEqual(['2001:db8:1:200::/56', '203.0.113.7']);
  });

  it('ends a week after the sale', async () => {
    const item = await world.shop.open();
    await statusesOf([from('203.0.113.7', item)]);
    await added(item, 1);
    const sale = await world.shop.catalogue.sale(item.saleId);
    const ends = await world.redis.client.pexpiretime(shareKeys(item.saleId).address);
    expect(ends - Date.parse(sale?.closesAt ?? '')).toBe(7 * 24 * 3_600_000);
  });
});
