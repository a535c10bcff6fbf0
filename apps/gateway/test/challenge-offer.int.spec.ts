import { AccessListStore } from '@flux/gate';
import { waitUntil } from '@flux/testing';
import { askFor, BITS, challengeOf, openChallenged } from './challenge.world';
import { buy, codeOf, startGateway, useWorld } from './world';

const world = useWorld();

describe('the challenge that is given out', () => {
  it('is another one each time, good for five minutes, and kept by nobody on the way', async () => {
    const { saleId } = await openChallenged(world.shop);
    const answers = await Promise.all([1, 2].map(() => askFor(world.gateway, { saleId, shopper: 'ann' })));
    expect(answers.map(({ headers }) => headers.get('cache-control'))).toEqual(['no-store', 'no-store']);
    const [first, second] = (await Promise.all(answers.map((answer) => answer.json()))) as [
      Record<string, unknown>,
      Record<string, unknown>,
    ];
    expect(first).toMatchObject({ type: 'pow', algorithm: 'SHA-256', puzzles: 8, bits: BITS });
    expect(first['seed']).not.toBe(second['seed']);
    const leftMs = Date.parse(String(first['expiresAt'])) - Date.now();
    expect(leftMs).toBeGreaterThan(200_000);
    expect(leftMs).toBeLessThanOrEqual(300_000);
  });

  it('needs a shopper who is named, a sale that is there, and an action that is one', async () => {
    const { saleId } = await openChallenged(world.shop);
    const ask = (path: string, headers = {}) => fetch(`${world.gateway.base}/v1/sales/${path}`, { headers });
    expect(await codeOf(await ask(`${saleId}/challenge`))).toBe('unauthenticated');
    const ann = { 'x-shopper-id': 'ann' };
    expect(await codeOf(await ask('nowhere/challenge', ann))).toBe('unknown-sale');
    expect(await codeOf(await ask(`${saleId}/challenge?action=steal`, ann))).toBe('invalid-request');
    expect((await ask(`${saleId}/challenge`, ann)).status).toBe(200);
  });

  it('S7: is harder for a source that keeps being refused, and for everybody under load', async () => {
    const gateway = await startGateway(world.redis.url, {
      FLUX_TRUSTED_PROXIES: '127.0.0.0/8',
      FLUX_ADDRESS_LIMIT: '10/1s',
      FLUX_PURCHASE_CEILING: '10/1h',
    });
    const item = await openChallenged(world.shop);
    const bitsOf = async (address: string): Promise<number | undefined> => {
      const answer = await fetch(`${gateway.base}/v1/sales/${item.saleId}/challenge`, {
        headers: { 'x-forwarded-for': address, 'x-shopper-id': 'ann' },
      });
      return ((await answer.json()) as { readonly bits?: number }).bits;
    };
    const flood = { headers: { 'x-forwarded-for': '10.1.0.2' } };
    await Promise.all(Array.from({ length: 40 }, () => fetch(`${gateway.base}/v1/sales`, flood)));
    const ofFlood = await waitUntil('it is let through again', () => bitsOf('10.1.0.2'));
    expect(ofFlood).toBeGreaterThanOrEqual(BITS + 4);
    expect(await bitsOf('10.1.0.3')).toBe(BITS);

    for (let purchase = 0; purchase < 10; purchase += 1) {
      await buy(gateway, { body: item, headers: { 'x-forwarded-for': `10.2.0.${purchase}` } });
    }
    expect(await bitsOf('10.1.0.3')).toBe(BITS + 3);
    await gateway.close();
  });

  it('is not asked of those whom the operator trusts, by address or by shopper', async () => {
    const store = new AccessListStore(world.shop.connection);
    await store.write({
      version: '1',
      rules: [
        { list: 'allow', kind: 'shopper', value: 'known-shopper' },
        { list: 'allow', kind: 'cidr', value: '10.9.0.0/16' },
      ],
    });
    const gateway = await startGateway(world.redis.url, { FLUX_TRUSTED_PROXIES: '127.0.0.0/8' });
    const item = await openChallenged(world.shop);
    const known = { body: item, shopper: 'known-shopper' };
    await waitUntil('the list is read', async () => (await buy(gateway, known)).status === 202);
    const { saleId } = item;
    expect(await challengeOf(gateway, { saleId, shopper: 'known-shopper' })).toEqual({ type: 'none' });
    const listed = await buy(gateway, { body: item, headers: { 'x-forwarded-for': '10.9.1.2' } });
    expect(listed.status).toBe(202);
    expect((await buy(gateway, { body: item })).status).toBe(403);
    await gateway.close();
  });
});
