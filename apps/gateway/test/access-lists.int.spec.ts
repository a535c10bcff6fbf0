import { randomUUID } from 'node:crypto';
import type { AccessRule } from '@flux/contracts';
import { ACCESS_KEY, AccessListStore } from '@flux/gate';
import { waitUntil } from '@flux/testing';
import { buy, buyOrder, callsOf, codeOf, randomId, useWorld } from './world';

describe('a denied shopper', () => {
  const world = useWorld();

  const publish = async (...rules: AccessRule[]): Promise<void> => {
    await new AccessListStore(world.shop.connection).write({ version: randomUUID(), rules });
  };
  const denied = (value: string): AccessRule => ({ list: 'deny', kind: 'shopper', value });

  const join = (saleId: string, shopper: string) =>
    fetch(`${world.gateway.base}/v1/sales/${saleId}/queue`, {
      method: 'POST',
      headers: { 'x-shopper-id': shopper },
    });

  const isDenied = async (shopper: string): Promise<boolean> => {
    const item = await world.shop.open();
    return (await buy(world.gateway, { body: item, shopper })).status === 403;
  };

  it('may neither buy nor join a line, and still reads and gives up what was bought before', async () => {
    const [item, other] = [await world.shop.open(), await world.shop.open()];
    await world.shop.putRoom(other);
    const [mallory, ann] = [randomId('shopper'), randomId('shopper')];
    const { orderId } = await buyOrder(world.gateway, item, mallory);
    await publish(denied(mallory));
    await waitUntil('the rule is in force', () => isDenied(mallory));

    const purchase = await buy(world.gateway, { body: item, shopper: mallory });
    expect([purchase.status, await codeOf(purchase)]).toEqual([403, 'forbidden']);
    const joining = await join(other.saleId, mallory);
    expect([joining.status, await codeOf(joining)]).toEqual([403, 'forbidden']);

    const order = `${world.gateway.base}/v1/orders/${orderId}`;
    const headers = { 'x-shopper-id': mallory };
    expect((await fetch(order, { headers })).status).toBe(200);
    expect((await fetch(`${order}/cancel`, { method: 'POST', headers })).status).toBe(202);

    expect((await buy(world.gateway, { body: item, shopper: ann })).status).toBe(202);
    expect((await join(other.saleId, ann)).status).toBe(201);
  });

  it('stays denied while Redis has lost the rules, and is let in again by other rules', async () => {
    const [mallory, carl] = [randomId('shopper'), randomId('shopper')];
    await publish(denied(mallory));
    await waitUntil('the rule is in force', () => isDenied(mallory));
    await world.redis.client.del(ACCESS_KEY);
    const before = await callsOf(world.redis, 'hget');
    await waitUntil('the gateway has looked twice', async () => {
      return (await callsOf(world.redis, 'hget')) >= before + 2;
    });
    expect(await isDenied(mallory)).toBe(true);
    await publish(denied(carl));
    await waitUntil('the other rule is in force', () => isDenied(carl));
    expect(await isDenied(mallory)).toBe(false);
  });

  it('is denied as before where the published rules cannot be read, which is logged', async () => {
    const mallory = randomId('shopper');
    await publish(denied(mallory));
    await waitUntil('the rule is in force', () => isDenied(mallory));
    await world.redis.client.hset(ACCESS_KEY, { version: 'broken', lists: '{"rules":' });
    await waitUntil('it is logged', () =>
      Promise.resolve(
        world.gateway.lines.some((line) => line.includes('the rules of access could not be read')),
      ),
    );
    expect(await isDenied(mallory)).toBe(true);
  });
});

describe('a denied address', () => {
  const world = useWorld({ FLUX_TRUSTED_PROXIES: '127.0.0.1' });

  const statusFrom = async (ip: string, path = '/v1/sales'): Promise<number> => {
    const headers = { 'x-forwarded-for': ip };
    return (await fetch(`${world.gateway.base}${path}`, { headers })).status;
  };

  it('is refused everywhere but by the probes, unless a smaller network allows it', async () => {
    const item = await world.shop.open();
    await new AccessListStore(world.shop.connection).write({
      version: randomUUID(),
      rules: [
        { list: 'deny', kind: 'cidr', value: '203.0.113.0/24' },
        { list: 'deny', kind: 'cidr', value: '2001:db8:bad::/48' },
        { list: 'allow', kind: 'cidr', value: '203.0.113.7/32' },
      ],
    });
    await waitUntil('the rules are in force', async () => (await statusFrom('203.0.113.1')) === 403);
    for (const ip of ['::ffff:203.0.113.255', '2001:db8:bad:ffff::1']) {
      expect([ip, await statusFrom(ip)]).toEqual([ip, 403]);
      const purchase = await buy(world.gateway, { body: item, headers: { 'x-forwarded-for': ip } });
      expect([purchase.status, await codeOf(purchase)]).toEqual([403, 'forbidden']);
    }
    expect(await statusFrom('203.0.113.1', '/health/live')).toBe(200);
    for (const ip of ['203.0.113.7', '203.0.114.1', '2001:db8:bae::1']) {
      expect([ip, await statusFrom(ip)]).toEqual([ip, 200]);
    }
  });
});
