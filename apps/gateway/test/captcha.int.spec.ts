import type { ItemRef } from '@flux/contracts';
import { CaptchaProviderServer, solved, startRedis, waitUntil, type RedisServer } from '@flux/testing';
import { challengeOf, powOf } from './challenge.world';
import { visit } from './queue.world';
import { buy, closeGateways, codeOf, randomId, Shop, startGateway, type TestGateway } from './world';

const SECRET = 'canary-secret-of-the-site-with-enough-bytes';
const HOST = 'shop.example';
const TIMEOUT_MS = 500;

describe('S17: a sale that asks for a captcha', () => {
  let provider: CaptchaProviderServer;
  let redis: RedisServer;
  let shop: Shop;
  let gateway: TestGateway;

  beforeAll(async () => {
    provider = await CaptchaProviderServer.start(SECRET);
    redis = await startRedis();
    shop = new Shop(redis.url);
    gateway = await start();
  });
  afterAll(async () => {
    await closeGateways();
    shop.close();
    await redis.remove();
    await provider.stop();
  });

  function start(env: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
    return startGateway(redis.url, {
      FLUX_TOKEN_KEYS: 'k1:canary-token-key-of-thirty-two-bytes-or-more',
      FLUX_CAPTCHA_PROVIDER: 'turnstile',
      FLUX_CAPTCHA_SITE_KEY: 'site-key',
      FLUX_CAPTCHA_SECRET: SECRET,
      FLUX_CAPTCHA_HOSTNAMES: HOST,
      FLUX_CAPTCHA_TIMEOUT_MS: String(TIMEOUT_MS),
      FLUX_CAPTCHA_VERIFY_URL: provider.verifyUrl,
      ...env,
    });
  }

  async function challenged(): Promise<ItemRef> {
    const item = await shop.open({ perShopperLimit: 100 });
    await shop.putRoom(item, { mode: 'off', challenge: 'captcha', challengeBits: 8 });
    return item;
  }

  const met = (action: string, more = {}) => provider.answer({ hostname: HOST, action, ...more });
  const buyWith = (item: ItemRef, answer: string, shopper = randomId('shopper'), at = gateway) =>
    buy(at, { body: item, shopper, headers: { 'x-challenge': answer } });
  const joinWith = ({ saleId }: ItemRef, shopper: string, answer: string, at = gateway) =>
    visit(at, 'POST', { saleId, shopper, headers: { 'x-challenge': answer } });

  it('says what widget to show, and for what', async () => {
    const { saleId } = await challenged();
    expect(await challengeOf(gateway, { saleId, shopper: 'ann', action: 'join' })).toEqual({
      type: 'captcha',
      provider: 'turnstile',
      siteKey: 'site-key',
      scriptUrl: 'https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit',
      action: 'join',
    });
  });

  it('sells and lets join with an answer that the provider takes, met on the page of the shop', async () => {
    const item = await challenged();
    expect(await codeOf(await buy(gateway, { body: item }))).toBe('challenge-required');
    expect((await buyWith(item, met('purchase'))).status).toBe(202);
    expect((await joinWith(item, 'ann', met('join'))).status).toBe(200);
  });

  it.each([
    ['of another page', () => met('purchase', { hostname: 'evil.example' })],
    ['met for joining', () => met('join')],
    ['that is old', () => met('purchase', { ageMs: 301_000 })],
    ['that nobody gave', () => 'made-up'],
    ['that is too long', () => 'x'.repeat(2_049)],
  ])('refuses an answer %s', async (_name, answerOf) => {
    const item = await challenged();
    const answer = await buyWith(item, answerOf());
    expect([answer.status, await codeOf(answer)]).toEqual([403, 'challenge-failed']);
    expect((await shop.gate.readItem(item))?.available).toBe(100);
  });

  it('takes no proof of work in its place while the verifier is there', async () => {
    const item = await challenged();
    const other = await shop.open();
    await shop.putRoom(other, { mode: 'off', challenge: 'pow', challengeBits: 8 });
    const proof = solved(await powOf(gateway, { saleId: other.saleId, shopper: 'ann' }));
    expect(await codeOf(await buyWith(item, proof, 'ann'))).toBe('challenge-failed');
  });

  it('sells once for an answer, of fifty at once with keys of their own over two gateways', async () => {
    const item = await challenged();
    const second = await start();
    const answer = met('purchase');
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        buyWith(item, answer, 'ann', index % 2 === 0 ? gateway : second),
      ),
    );
    const statuses = answers.map(({ status }) => status).sort((one, other) => one - other);
    expect(statuses).toEqual([202, ...Array.from({ length: 49 }, () => 403)]);
    await second.close();
  });

  it('answers a retry without asking the provider again', async () => {
    const item = await challenged();
    const text = met('purchase');
    const headers = { 'x-challenge': text };
    const purchase = { body: item, shopper: 'ann', key: randomId('key-of-a-purchase'), headers };
    const [first, parallel] = await Promise.all([buy(gateway, purchase), buy(gateway, purchase)]);
    const again = await buy(gateway, purchase);
    expect([first.status, parallel.status, again.status]).toEqual([202, 202, 202]);
    expect(await again.text()).toBe(await first.text());
    expect(provider.questions.filter(({ response }) => response === text)).toHaveLength(1);
  });

  it('gets proof of work where a gateway has no provider, which says so', async () => {
    const item = await challenged();
    const bare = await start({ FLUX_CAPTCHA_PROVIDER: 'none' });
    const pow = await powOf(bare, { saleId: item.saleId, shopper: 'ann' });
    expect((await buyWith(item, solved(pow), 'ann', bare)).status).toBe(202);
    expect(bare.lines.join('')).toContain('a sale asks for captchas, which are not set up');
    await bare.close();
  });

  describe('while the verifier is down', () => {
    afterEach(() => {
      provider.trouble = undefined;
    });

    it.each(['silent', 'status-500', 'garbage'] as const)(
      'sells nothing, lets people join with proof of work, and comes back: %s',
      async (trouble) => {
        const item = await challenged();
        const at = await start();
        const { saleId } = item;
        const shopper = randomId('shopper');
        provider.trouble = trouble;
        const purchase = await buyWith(item, met('purchase'), shopper, at);
        expect([purchase.status, await codeOf(purchase)]).toEqual([503, 'temporarily-unavailable']);
        expect(Number(purchase.headers.get('retry-after'))).toBeGreaterThan(0);
        expect((await challengeOf(at, { saleId, shopper })).type).toBe('captcha');

        expect(await codeOf(await joinWith(item, shopper, met('join'), at))).toBe('challenge-required');
        const pow = await powOf(at, { saleId, shopper, action: 'join' });
        expect((await joinWith(item, shopper, solved(pow), at)).status).toBe(200);
        // A proof for joining buys nothing.
        expect(await codeOf(await buyWith(item, solved(pow), shopper, at))).toBe('challenge-failed');

        provider.trouble = undefined;
        expect((await buyWith(item, met('purchase'), shopper, at)).status).toBe(202);
        expect((await challengeOf(at, { saleId, shopper, action: 'join' })).type).toBe('captcha');
        expect(at.lines.join('')).toContain('the verifier of captchas could not be asked');
        await at.close();
      },
    );

    it('does as the shop has said', async () => {
      const item = await challenged();
      const { saleId } = item;
      const at = await start({ FLUX_CAPTCHA_DOWN_JOIN: 'refuse', FLUX_CAPTCHA_DOWN_PURCHASE: 'pow' });
      provider.trouble = 'cut';
      expect(await codeOf(await joinWith(item, 'ann', met('join'), at))).toBe('temporarily-unavailable');
      expect((await challengeOf(at, { saleId, shopper: 'ann', action: 'join' })).type).toBe('captcha');
      expect(await codeOf(await buyWith(item, met('purchase'), 'ann', at))).toBe('challenge-required');
      const pow = await powOf(at, { saleId, shopper: 'ann' });
      expect((await buyWith(item, solved(pow), 'ann', at)).status).toBe(202);
      await at.close();
    });

    it('is not taken for down by being asked too much at once', async () => {
      const item = await challenged();
      const { saleId } = item;
      const at = await start({ FLUX_CAPTCHA_TIMEOUT_MS: '30000' });
      provider.trouble = 'silent';
      const before = provider.questions.length;
      const crowd = Array.from({ length: 128 }, () => buyWith(item, met('purchase'), 'ann', at));
      await waitUntil('all are asked', () => Promise.resolve(provider.questions.length === before + 128));
      expect(await codeOf(await joinWith(item, 'bob', met('join'), at))).toBe('temporarily-unavailable');
      expect((await challengeOf(at, { saleId, shopper: 'bob', action: 'join' })).type).toBe('captcha');
      provider.hangUp();
      await Promise.all(crowd);
      await at.close();
    });

    it('asks for captchas again by itself after some seconds', async () => {
      const { saleId } = await challenged();
      const at = await start();
      provider.trouble = 'status-500';
      await joinWith({ saleId, productId: 'x' }, 'ann', met('join'), at);
      const asker = { saleId, shopper: 'ann', action: 'join' } as const;
      expect((await challengeOf(at, asker)).type).toBe('pow');
      await waitUntil('it is a captcha', async () => (await challengeOf(at, asker)).type === 'captcha');
      await at.close();
    });
  });

  it('tells neither secret nor answers in log or metrics', async () => {
    const item = await challenged();
    const bad = await start({ FLUX_CAPTCHA_SECRET: `${SECRET}-of-another` });
    expect((await buyWith(item, met('purchase'), 'ann', bad)).status).toBe(503);
    const { text } = await bad.metrics.render();
    expect(bad.lines.join('')).toContain('invalid-input-secret');
    expect(bad.lines.join('') + text).not.toMatch(/canary|answer\.\d/);
    expect(text).toMatch(/asked="captcha",outcome="unavailable",.*} 1/);
    await bad.close();
  });
});
