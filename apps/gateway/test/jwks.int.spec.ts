import { createHmac, randomUUID } from 'node:crypto';
import type { ItemRef } from '@flux/contracts';
import { SignJWT } from 'jose';
import { startRedis, waitUntil, type RedisServer } from '@flux/testing';
import { JwksServer, newKey, published, type ShopKey } from './jwks-server';
import { closeGateways, codeOf, Shop, startGateway, type TestGateway } from './world';

const COOLDOWN_MS = 400;

describe('identity by the published keys of the shop', () => {
  let redis: RedisServer;
  let shop: Shop;
  let item: ItemRef;
  let jwks: JwksServer;

  beforeAll(async () => {
    redis = await startRedis();
    shop = new Shop(redis.url);
    item = await shop.open({ stock: 10_000, perShopperLimit: 10_000 });
  });
  beforeEach(async () => {
    jwks = await JwksServer.onSomePort();
  });
  afterEach(async () => {
    await closeGateways();
    await jwks.stop();
  });
  afterAll(async () => {
    shop.close();
    await redis.remove();
  });

  function start(env: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
    return startGateway(redis.url, {
      FLUX_AUTH: 'jwt',
      FLUX_JWKS_URL: jwks.url,
      FLUX_JWKS_COOLDOWN_MS: String(COOLDOWN_MS),
      ...env,
    });
  }

  interface Token {
    readonly kid?: string | undefined;
    readonly expiresInSeconds?: number;
    readonly jti?: string;
  }

  function tokenOf(key: ShopKey, { kid = key.kid, expiresInSeconds = 300, jti = randomUUID() }: Token = {}) {
    return new SignJWT({ sub: 'ada', jti })
      .setProtectedHeader({ alg: key.alg, kid })
      .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresInSeconds)
      .sign(key.privateKey);
  }

  function buy({ base }: TestGateway, token: string): Promise<Response> {
    return fetch(`${base}/v1/orders`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ productId: item.productId }),
    });
  }

  const statusOf = async (gateway: TestGateway, token: string) => (await buy(gateway, token)).status;

  it('sells to whom a published key vouches for, and reads the keys once', async () => {
    const [ec, rsa] = [newKey('ec'), newKey('rsa', 'RS256')];
    jwks.keys = [published(ec), published(rsa)];
    await jwks.start();
    const gateway = await start();
    const statuses = await Promise.all(
      [ec, rsa, ec].map(async (key) => statusOf(gateway, await tokenOf(key))),
    );
    expect(statuses).toEqual([202, 202, 202]);
    expect(jwks.requests).toBe(1);
  });

  describe('with a key that is known', () => {
    const known = newKey('known', 'RS256');
    const foreign = newKey('foreign', 'RS256');
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = () => encoded({ sub: 'ada', exp: Math.floor(Date.now() / 1_000) + 60 });
    const hmacWith = (secret: string | Buffer, header: object) => {
      const signed = `${encoded({ alg: 'HS256', ...header })}.${claims()}`;
      return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
    };

    const HOSTILE: readonly (readonly [string, () => Promise<string> | string])[] = [
      ['alg none', () => `${encoded({ alg: 'none', kid: 'known' })}.${claims()}.`],
      [
        'HS256 with the public key as the secret',
        () => hmacWith(known.publicKey.export({ format: 'pem', type: 'spki' }), { kid: 'known' }),
      ],
      ['HS256 with the set of keys as the secret', () => hmacWith(JSON.stringify(published(known)), {})],
      ["another's key under a known name", () => tokenOf({ ...foreign, kid: 'known' })],
      ['a kid that is not known', () => tokenOf(foreign)],
      ['a kid that is a path', () => tokenOf(known, { kid: '../../x' })],
      ['a kid that is a query', () => tokenOf(known, { kid: "' OR 1=1 --" })],
      ['a kid of 4 kB', () => tokenOf(known, { kid: 'k'.repeat(4_096) })],
      ['a known key with an algorithm that is not pinned', () => rs512()],
      ['an address of keys of its own', () => withHeader({ jku: 'http://evil.example/jwks', kid: 'evil' })],
      ['a key of its own', () => withHeader({ jwk: foreign.publicKey.export({ format: 'jwk' }) })],
      ["another's token of 7 kB", () => tokenOf({ ...foreign, kid: 'known' }, { jti: 'j'.repeat(5_000) })],
      ['an expired token', () => tokenOf(known, { expiresInSeconds: -6 })],
      ['a cut token', async () => (await tokenOf(known)).slice(0, -8)],
    ];

    const rs512 = () =>
      new SignJWT({ sub: 'ada' })
        .setProtectedHeader({ alg: 'RS512' })
        .setExpirationTime('1m')
        .sign(known.privateKey);
    const withHeader = (header: object) =>
      new SignJWT({ sub: 'ada' })
        .setProtectedHeader({ alg: 'RS256', ...header })
        .setExpirationTime('1m')
        .sign(foreign.privateKey);

    it('answers 401 to every hostile token, and asks the shop once in a cool-down', async () => {
      jwks.keys = [published(known)];
      await jwks.start();
      const gateway = await start({ FLUX_JWKS_COOLDOWN_MS: '3600000' });
      expect(await statusOf(gateway, await tokenOf(known))).toBe(202);
      for (const [name, token] of HOSTILE) {
        const answer = await buy(gateway, await token());
        expect([name, answer.status, await codeOf(answer)]).toEqual([name, 401, 'unauthenticated']);
      }
      const tooLong = await buy(gateway, await tokenOf(known, { jti: 'j'.repeat(7_500) }));
      expect([tooLong.status, await codeOf(tooLong)]).toEqual([431, 'headers-too-large']);
      expect(jwks.requests).toBe(1);
    });
  });

  it('finds a key that is new once the cool-down is over, and drops one that was taken back, verified tokens too', async () => {
    const [old, next] = [newKey('old'), newKey('next')];
    jwks.keys = [published(old)];
    await jwks.start();
    const gateway = await start();
    const seen = await tokenOf(old);
    expect(await statusOf(gateway, seen)).toBe(202);
    jwks.keys = [published(old), published(next)];
    const newToken = await tokenOf(next);
    await waitUntil('the new key is found', async () => (await statusOf(gateway, newToken)) === 202);
    expect(await statusOf(gateway, seen)).toBe(202);
    jwks.keys = [published(next)];
    const unknown = await tokenOf(newKey('unknown'));
    await waitUntil('the old key is gone', async () => {
      await statusOf(gateway, unknown);
      return (await statusOf(gateway, seen)) === 401;
    });
    expect(await statusOf(gateway, newToken)).toBe(202);
  });

  it('asks once for a crowd with unknown keys', async () => {
    const known = newKey('known');
    jwks.keys = [published(known)];
    await jwks.start();
    const gateway = await start();
    expect(await statusOf(gateway, await tokenOf(known))).toBe(202);
    const before = jwks.requests;
    const from = performance.now();
    const tokens = await Promise.all(Array.from({ length: 50 }, () => tokenOf(newKey(randomUUID()))));
    const statuses = await Promise.all(tokens.map((token) => statusOf(gateway, token)));
    expect(new Set(statuses)).toEqual(new Set([401]));
    const cooldowns = Math.ceil((performance.now() - from) / COOLDOWN_MS);
    expect(jwks.requests - before).toBeLessThanOrEqual(cooldowns);
  });

  it('answers 503 while no key could be read, and sells once they are', async () => {
    const key = newKey('key');
    jwks.keys = [published(key)];
    const gateway = await start();
    const token = await tokenOf(key);
    const answer = await buy(gateway, token);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await codeOf(answer)).toBe('temporarily-unavailable');
    await jwks.start();
    await waitUntil('the keys are read', async () => (await statusOf(gateway, token)) === 202);
    expect(gateway.lines.join('')).toContain('FLUX_JWKS_URL');
    expect(gateway.lines.join('')).not.toContain('eyJ');
  });

  it('goes on with the keys it knows while the shop is down, and cannot tell of others', async () => {
    const key = newKey('key');
    jwks.keys = [published(key)];
    await jwks.start();
    const gateway = await start();
    expect(await statusOf(gateway, await tokenOf(key))).toBe(202);
    await jwks.stop();
    const stranger = await tokenOf(newKey('stranger'));
    await waitUntil('the failure is seen', async () => (await statusOf(gateway, stranger)) === 503);
    expect(await statusOf(gateway, await tokenOf(key))).toBe(202);
    expect(await statusOf(gateway, await tokenOf({ ...newKey('key'), kid: 'key' }))).toBe(401);
  });

  const USELESS: readonly (readonly [string, (server: JwksServer) => void])[] = [
    ['an error', (server) => (server.answer = (_request, response) => response.writeHead(500).end())],
    ['a page', (server) => (server.answer = (_request, response) => response.end('<html>'))],
    ['an empty set', (server) => (server.keys = [])],
    ['a secret', (server) => (server.keys = [{ kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMko' }])],
    ['a private key', (server) => (server.keys = [newKey('x').privateKey.export({ format: 'jwk' })])],
    ['an RSA key of 1,024 bits', (server) => (server.keys = [published(newKey('x', 'RS256', 1_024))])],
    [
      'another address',
      (server) => (server.answer = (_request, response) => response.writeHead(302, { location: '/x' }).end()),
    ],
  ];

  it.each(USELESS)('takes %s for no keys', async (_name, spoil) => {
    spoil(jwks);
    await jwks.start();
    const gateway = await start();
    expect(await statusOf(gateway, await tokenOf(newKey('x')))).toBe(503);
  });

  it('checks the expiry of a token that was verified before', async () => {
    const key = newKey('key');
    jwks.keys = [published(key)];
    await jwks.start();
    const gateway = await start();
    // Good for one second yet, by the leeway.
    const token = await tokenOf(key, { expiresInSeconds: -4 });
    expect(await statusOf(gateway, token)).toBe(202);
    await waitUntil('it expires', async () => (await statusOf(gateway, token)) === 401);
  });
});
