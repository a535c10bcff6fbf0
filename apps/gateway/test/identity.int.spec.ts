import { randomUUID } from 'node:crypto';
import type { ItemRef } from '@flux/contracts';
import { SignJWT, type JWTPayload } from 'jose';
import { waitUntil } from '@flux/testing';
import { codeOf, useWorld } from './world';

// Long enough for every HS algorithm, so that only the pinning can refuse them.
const SECRET = 'test-secret-of-sixty-four-bytes-or-more; it suits HS512 as well as HS256';
const FORMER_SECRET = 'the-secret-before-it-of-thirty-two-bytes-or-more';
const ISSUER = 'https://shop.example';
const AUDIENCE = 'flux-gate';

describe('identity by JWT', () => {
  const world = useWorld({
    NODE_ENV: 'production',
    FLUX_AUTH: 'jwt',
    FLUX_JWT_SECRET: `${SECRET},${FORMER_SECRET}`,
    FLUX_JWT_ISSUER: ISSUER,
    FLUX_JWT_AUDIENCE: AUDIENCE,
    FLUX_TOKEN_KEYS: `k1:${SECRET}`,
  });
  let item: ItemRef;

  beforeAll(async () => {
    item = await world.shop.open();
  });

  interface Token {
    readonly claims?: JWTPayload;
    readonly alg?: string;
    readonly secret?: string;
    readonly expires?: string | number;
  }

  const now = () => Math.floor(Date.now() / 1_000);

  function token({ claims, alg = 'HS256', secret = SECRET, expires = '5m' }: Token = {}): Promise<string> {
    const jwt = new SignJWT({ sub: 'ada', iss: ISSUER, aud: AUDIENCE, ...claims }).setProtectedHeader({
      alg,
    });
    return jwt.setExpirationTime(expires).sign(Buffer.from(secret));
  }

  function buyWith(
    authorization: string | undefined,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(`${world.gateway.base}/v1/orders`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
        ...(authorization === undefined ? {} : { authorization }),
        ...headers,
      },
      body: JSON.stringify({ productId: item.productId }),
    });
  }

  it('sells to the subject of a good token, and shows the order to that subject only', async () => {
    const ada = `Bearer ${await token()}`;
    const answer = await buyWith(ada);
    expect(answer.status).toBe(202);
    const address = `${world.gateway.base}${String(answer.headers.get('location'))}`;
    expect((await fetch(address, { headers: { authorization: ada } })).status).toBe(200);
    const bob = `Bearer ${await token({ claims: { sub: 'bob' } })}`;
    expect(await codeOf(await fetch(address, { headers: { authorization: bob } }))).toBe('unknown-order');
    expect(await codeOf(await fetch(address))).toBe('unauthenticated');
  });

  it('takes tokens of the former secret while the shop changes over', async () => {
    expect(
      (await buyWith(`Bearer ${await token({ secret: FORMER_SECRET, claims: { sub: 'former' } })}`)).status,
    ).toBe(202);
  });

  it('knows a token that was verified, and whose it is, for as long as it is good', async () => {
    const short = `Bearer ${await token({ expires: now() - 4, claims: { sub: 'short' } })}`;
    expect((await buyWith(short)).status).toBe(202);
    expect((await buyWith(`${short.slice(0, -4)}AAAA`)).status).toBe(401);
    await waitUntil('it expires', async () => (await buyWith(short)).status === 401);
  });

  it('allows a few seconds between the clocks', async () => {
    expect((await buyWith(`Bearer ${await token({ expires: now() - 2 })}`)).status).toBe(202);
    expect((await buyWith(`Bearer ${await token({ claims: { nbf: now() + 2 } })}`)).status).toBe(202);
  });

  const unsigned = (header: object, claims: object) =>
    `${[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;

  const BAD: readonly (readonly [string, () => Promise<string | undefined> | string | undefined])[] = [
    ['no header', () => undefined],
    ['another scheme', async () => `Basic ${await token()}`],
    ['no token', () => 'Bearer '],
    ['garbage', () => 'Bearer a.b.c'],
    ['alg none', () => `Bearer ${unsigned({ alg: 'none' }, { sub: 'ada', exp: now() + 60 })}`],
    ['alg None', () => `Bearer ${unsigned({ alg: 'None' }, { sub: 'ada', exp: now() + 60 })}`],
    ['HS384', async () => `Bearer ${await token({ alg: 'HS384' })}`],
    ['HS512', async () => `Bearer ${await token({ alg: 'HS512' })}`],
    ['another secret', async () => `Bearer ${await token({ secret: SECRET.replace('t', 'T') })}`],
    ['a changed subject', async () => `Bearer ${forged(await token(), { sub: 'eve', exp: now() + 60 })}`],
    ['no signature', async () => `Bearer ${(await token()).replace(/[^.]+$/, '')}`],
    ['a cut signature', async () => `Bearer ${(await token()).slice(0, -4)}`],
    ['an expired token', async () => `Bearer ${await token({ expires: now() - 60 })}`],
    ['a token for later', async () => `Bearer ${await token({ claims: { nbf: now() + 60 } })}`],
    ['no exp', async () => `Bearer ${await withoutExpiry()}`],
    ['no sub', async () => `Bearer ${await token({ claims: { sub: undefined } })}`],
    ['a hostile sub', async () => `Bearer ${await token({ claims: { sub: 'a b|{c}' } })}`],
    ['another issuer', async () => `Bearer ${await token({ claims: { iss: 'https://evil.example' } })}`],
    ['another audience', async () => `Bearer ${await token({ claims: { aud: 'other' } })}`],
    [
      '10 tokens',
      async () => `Bearer ${Array.from({ length: 10 }, () => 'a.b.c').join(' ')} ${await token()}`,
    ],
  ];

  it.each(BAD)('S9, S10: answers 401 to %s', async (_name, authorization) => {
    const answer = await buyWith(await authorization());
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await codeOf(answer)).toBe('unauthenticated');
  });

  it('does not believe the demo header', async () => {
    expect((await buyWith(undefined, { 'x-shopper-id': 'ada' })).status).toBe(401);
  });

  it('S37: shows no docs in production', async () => {
    expect((await fetch(`${world.gateway.base}/docs`)).status).toBe(404);
    expect((await fetch(`${world.gateway.base}/docs/openapi.json`)).status).toBe(404);
  });

  it('writes no token and no key to its log or metrics', async () => {
    const canary = 'canary-key-5f1d-5f1d';
    await buyWith(`Bearer ${await token({ claims: { jti: canary } })}`, { 'idempotency-key': canary });
    const { text } = await world.gateway.metrics.render();
    expect(world.gateway.lines.join('') + text).not.toContain('canary');
    expect(world.gateway.lines.join('')).not.toContain('eyJ');
  });

  function forged(good: string, claims: object): string {
    const [header, , signature] = good.split('.');
    return [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
  }

  function withoutExpiry(): Promise<string> {
    const jwt = new SignJWT({ sub: 'ada', iss: ISSUER, aud: AUDIENCE }).setProtectedHeader({ alg: 'HS256' });
    return jwt.sign(Buffer.from(SECRET));
  }
});
