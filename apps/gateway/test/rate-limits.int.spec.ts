import { randomUUID } from 'node:crypto';
import { AccessListStore } from '@flux/gate';
import { waitUntil } from '@flux/testing';
import { offer, tolerance } from './rate-limits.world';
import { passOf } from './queue.world';
import { buy, callsOf, codeOf, randomId, startGateway, useWorld, type TestGateway } from './world';

const PROXIES = { FLUX_TRUSTED_PROXIES: '127.0.0.0/8' };

/** A request as a proxy passes it on. */
function from(
  { base }: Pick<TestGateway, 'base'>,
  address: string,
  path = '/v1/sales',
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${base}${path}`, { headers: { 'x-forwarded-for': address, ...headers } });
}

async function statuses(count: number, request: () => Promise<Response>): Promise<readonly number[]> {
  const all: number[] = [];
  for (let index = 0; index < count; index += 1) all.push((await request()).status);
  return all;
}

describe('limits of addresses and networks', () => {
  const world = useWorld();
  beforeAll(() => world.shop.open());

  it('S5 are told on every answer, and say when to come back', async () => {
    const gateway = await startGateway(world.redis.url, { ...PROXIES, FLUX_ADDRESS_LIMIT: '3/1m' });
    const first = await from(gateway, '10.1.0.1');
    expect(first.headers.get('ratelimit-policy')).toBe('"address";q=3;w=60');
    expect(first.headers.get('ratelimit')).toBe('"address";r=2;t=20');
    await statuses(2, () => from(gateway, '10.1.0.1'));
    const refused = await from(gateway, '10.1.0.1');
    expect(refused.status).toBe(429);
    const [, remaining, reset] =
      /^"address";r=(\d+);t=(\d+)$/.exec(refused.headers.get('ratelimit') ?? '') ?? [];
    expect(remaining).toBe('0');
    expect(Number(reset)).toBeGreaterThan(10);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(Number(reset));
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(22);
    expect(await codeOf(refused)).toBe('rate-limited');
  });

  it('S18 go by the address that a listed proxy vouches for, and by the peer where there is none', async () => {
    const limit = { FLUX_ADDRESS_LIMIT: '2/1m' };
    const direct = await startGateway(world.redis.url, { ...limit, FLUX_TRUSTED_PROXIES: '10.9.9.9' });
    const ofPeer = [
      await from(direct, '10.2.0.1'),
      await from(direct, '10.2.0.2'),
      await from(direct, '10.2.0.3'),
    ];
    expect(ofPeer.map(({ status }) => status)).toEqual([200, 200, 429]);

    const gateway = await startGateway(world.redis.url, { ...limit, ...PROXIES });
    expect(await statuses(3, () => from(gateway, '10.2.1.1'))).toEqual([200, 200, 429]);
    // What the client wrote itself stands further left.
    expect((await from(gateway, '10.2.1.7, 10.2.1.1')).status).toBe(429);
    expect((await from(gateway, Array.from({ length: 10 }, (_, n) => `10.2.2.${n}`).join(', '))).status).toBe(
      200,
    );
    expect((await from(gateway, '10.2.1.1, 127.0.0.1')).status).toBe(429);
    // Garbage vouches for nobody: the proxy itself is the client.
    expect(await statuses(3, () => from(gateway, `<x>, ${randomUUID()}`))).toContain(429);
  });

  it('S19 count an IPv6 /64, /56 and /48 as one, and a mapped IPv4 address as IPv4', async () => {
    const gateway = await startGateway(world.redis.url, {
      ...PROXIES,
      FLUX_ADDRESS_LIMIT: '2/1m',
      FLUX_NETWORK_56_LIMIT: '4/1m',
      FLUX_NETWORK_48_LIMIT: '6/1m',
    });
    let host = 0;
    const of = (network: string) => () => from(gateway, `${network}::${(host += 1).toString(16)}`);
    expect(await statuses(3, of('2001:db8:1:a00'))).toEqual([200, 200, 429]);
    expect(await statuses(3, of('2001:db8:1:a01'))).toEqual([200, 200, 429]);
    expect(await statuses(1, of('2001:db8:1:a02'))).toEqual([429]);
    expect(await statuses(3, of('2001:db8:1:b00'))).toEqual([200, 200, 429]);
    expect(await statuses(1, of('2001:db8:1:c00'))).toEqual([429]);
    expect(await statuses(1, of('2001:db8:2:c00'))).toEqual([200]);
    const mapped = [await from(gateway, '::ffff:10.3.0.1'), await from(gateway, '10.3.0.1')];
    expect(mapped.map(({ status }) => status)).toEqual([200, 200]);
    expect((await from(gateway, '::ffff:0a03:0001')).status).toBe(429);
  });

  it('are those of all gateways together, to the hundredth', async () => {
    const gateways = await Promise.all(
      [0, 1, 2, 3].map(() =>
        startGateway(world.redis.url, { ...PROXIES, FLUX_ADDRESS_LIMIT: '200/1s burst=20' }),
      ),
    );
    const wanted = {
      redis: world.redis.client,
      bases: gateways.map(({ base }) => base),
      address: '10.4.0.',
      ratePerSecond: 200,
      burst: 20,
      forMs: 5_000,
    };
    const outcome = await offer(wanted);
    const { allowed, offered, expected } = outcome;
    expect(offered).toBeGreaterThan(1.2 * expected);
    expect(Math.abs(allowed / expected - 1)).toBeLessThanOrEqual(tolerance(outcome, wanted));
  });

  it('of a denied source cost Redis nothing', async () => {
    const gateway = await startGateway(world.redis.url, { ...PROXIES, FLUX_ADDRESS_LIMIT: '1/1h' });
    await from(gateway, '10.5.0.1');
    await waitUntil(
      'it is booked',
      async () => (await world.redis.client.exists('{limit:0}:address:10.5.0.1')) === 1,
    );
    await world.redis.client.config('RESETSTAT');
    expect(new Set(await statuses(50, () => from(gateway, '10.5.0.1')))).toEqual(new Set([429]));
    expect(await callsOf(world.redis, 'evalsha')).toBe(0);
  });

  it('only count in a dry run', async () => {
    const gateway = await startGateway(world.redis.url, { ...PROXIES, FLUX_ADDRESS_LIMIT: '1/1h dry-run' });
    expect(await statuses(4, () => from(gateway, '10.6.0.1'))).toEqual([200, 200, 200, 200]);
    expect((await gateway.metrics.render()).text).toMatch(
      /flux_rate_limit_refusals_total\{policy="address",mode="dry-run",process="gateway"\} 3/,
    );
  });

  it('give away the stated share while Redis is away, to pages and reads', async () => {
    const gateway = await startGateway(world.redis.url, {
      ...PROXIES,
      FLUX_ADDRESS_LIMIT: '20/1h',
      FLUX_LIMIT_SHARE_ALONE: '50',
    });
    await from(gateway, '10.7.0.1');
    await world.redis.stop();
    try {
      await waitUntil('the gateway is alone', async () => {
        await from(gateway, '10.7.0.2', '/nowhere');
        return /flux_rate_limit_alone\{[^}]*\} 1/.test((await gateway.metrics.render()).text);
      });
      const page = () => from(gateway, '10.7.0.3', '/waiting-room/some-sale/');
      const answers = await statuses(20, page);
      expect(answers.filter((status) => status === 429)).toHaveLength(10);
    } finally {
      await world.redis.restart();
      await world.shop.connection.whenReady();
    }
  });
});

describe('limits of routes, shoppers and sales', () => {
  const world = useWorld();

  it('of a route are shared by all who ask for it', async () => {
    const gateway = await startGateway(world.redis.url, {
      ...PROXIES,
      FLUX_ROUTE_LIMITS: 'GET /v1/sales=2/1m, GET /v1/sales/:saleId=1/1m',
    });
    const { saleId } = await world.shop.open();
    let host = 0;
    const other = (path: string) => () => from(gateway, `10.8.0.${(host += 1)}`, path);
    expect(await statuses(3, other('/v1/sales'))).toEqual([200, 200, 429]);
    expect(await statuses(2, other(`/v1/sales/${saleId}`))).toEqual([200, 429]);
    expect((await from(gateway, '10.8.1.1', '/v1/orders/x')).status).not.toBe(429);
  });

  it('of a shopper go over all they do, and stop at nobody else', async () => {
    const gateway = await startGateway(world.redis.url, { FLUX_SHOPPER_LIMIT: '3/1m' });
    const item = await world.shop.open();
    const shopper = randomId('shopper');
    const bought = await buy(gateway, { body: item, shopper });
    expect(bought.headers.get('ratelimit')).toMatch(/^"shopper";r=2;t=20$/);
    const read = () =>
      fetch(`${gateway.base}${bought.headers.get('location') ?? ''}`, {
        headers: { 'x-shopper-id': shopper },
      });
    expect(await statuses(3, read)).toEqual([200, 200, 429]);
    expect((await buy(gateway, { body: item, shopper })).status).toBe(429);
    expect((await buy(gateway, { body: item })).status).toBe(202);
  });

  it('of a shopper hold against 500 purchases at once with 50 keys, and so does what the item allows', async () => {
    const gateway = await startGateway(world.redis.url, { FLUX_SHOPPER_LIMIT: '40/1h' });
    const item = await world.shop.open({ stock: 1_000, perShopperLimit: 7 });
    const shopper = randomId('shopper');
    const keys = Array.from({ length: 50 }, () => randomUUID());
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        buy(gateway, { body: item, shopper, key: keys[index % 50] ?? '' }),
      ),
    );
    expect(answers.filter(({ status }) => status !== 429)).toHaveLength(40);
    const orders = await Promise.all(
      answers
        .filter(({ status }) => status === 202)
        .map(async (answer) => ((await answer.json()) as { readonly orderId: string }).orderId),
    );
    expect(new Set(orders).size).toBe(7);
    expect((await world.shop.gate.readItem(item))?.available).toBe(993);
  });

  it('do not hold for whoever is on the allow list', async () => {
    const gateway = await startGateway(world.redis.url, {
      ...PROXIES,
      FLUX_ADDRESS_LIMIT: '1/1h',
      FLUX_SHOPPER_LIMIT: '1/1h',
    });
    const item = await world.shop.open();
    const shopper = randomId('shopper');
    await new AccessListStore(world.shop.connection).write({
      version: randomUUID(),
      rules: [
        { list: 'allow', kind: 'cidr', value: '10.9.0.0/16' },
        { list: 'allow', kind: 'shopper', value: shopper },
      ],
    });
    const headers = { 'x-forwarded-for': '10.9.1.1' };
    await waitUntil('the rules are in force', async () =>
      (await statuses(2, () => from(gateway, '10.9.1.1'))).every((status) => status === 200),
    );
    const bought = await statuses(4, () => buy(gateway, { body: item, shopper, headers }));
    expect(bought).toEqual([202, 202, 202, 202]);
    expect(await statuses(2, () => buy(gateway, { body: item, shopper: 'other', headers }))).toEqual([
      202, 429,
    ]);
  });

  it('of a sale are its own', async () => {
    const gateway = await startGateway(world.redis.url);
    const [own, other] = [await world.shop.open(), await world.shop.open()];
    await world.shop.putRoom(own, { mode: 'off', shopperAttempts: { limit: 2, windowMs: 60_000 } });
    await world.shop.putRoom(other, { mode: 'off' });
    const shopper = randomId('shopper');
    // A gateway reads a sale's settings with its first purchase.
    await buy(gateway, { body: own });
    expect(await statuses(3, () => buy(gateway, { body: own, shopper }))).toEqual([202, 202, 429]);
    expect(await statuses(3, () => buy(gateway, { body: other, shopper }))).toEqual([202, 202, 202]);
    expect((await buy(gateway, { body: own })).status).toBe(202);
  });

  it('of all purchases put the waiting room on, or end in 503 where there is none', async () => {
    const gateway = await startGateway(world.redis.url, { FLUX_PURCHASE_CEILING: '3/1m' });
    const [roomy, bare] = [await world.shop.open(), await world.shop.open()];
    await world.shop.putRoom(roomy, { mode: 'auto', ratePerSecond: 1_000 });
    await world.shop.putRoom(bare, { mode: 'off' });
    expect(await statuses(3, () => buy(gateway, { body: roomy }))).toEqual([202, 202, 202]);
    const sent = await buy(gateway, { body: roomy });
    expect(sent.status).toBe(429);
    expect(await sent.json()).toMatchObject({
      code: 'waiting-room',
      queueUrl: `/v1/sales/${roomy.saleId}/queue`,
    });
    await waitUntil('the room is on', async () => {
      await buy(gateway, { body: roomy });
      const joined = await fetch(`${gateway.base}/v1/sales/${roomy.saleId}/queue`, {
        method: 'POST',
        headers: { 'x-shopper-id': randomId('shopper') },
      });
      return joined.status === 201;
    });
    const called = randomId('shopper');
    const pass = await passOf(gateway, roomy, called);
    expect((await buy(gateway, { body: roomy, shopper: called, headers: { 'x-pass': pass } })).status).toBe(
      202,
    );
    const refused = await buy(gateway, { body: bare });
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await codeOf(refused)).toBe('temporarily-unavailable');
  });
});
