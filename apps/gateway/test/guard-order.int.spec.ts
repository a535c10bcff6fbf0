import { createHmac, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { waitUntil } from '@flux/testing';
import { buy, codeOf, randomId, startGateway, useWorld, type TestGateway } from './world';

const SECRET = 'a-secret-of-the-shop-that-is-long-enough';

/** A token that names a shopper, signed with some secret. */
function tokenOf(shopper: string, secret: string): string {
  const claims = { sub: shopper, exp: Math.floor(Date.now() / 1_000) + 60 };
  const signed = [{ alg: 'HS256' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `Bearer ${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

describe('the guards of a purchase', () => {
  const world = useWorld({ NODE_ENV: 'test', FLUX_AUTH: 'jwt', FLUX_JWT_SECRET: SECRET });

  const buyAs = (authorization: string | undefined, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${world.gateway.base}/v1/orders`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
        ...(authorization === undefined ? {} : { authorization }),
        ...headers,
      },
      body: JSON.stringify(body),
    });

  const genuine = () => tokenOf(randomId('shopper'), SECRET);
  const forged = () => tokenOf(randomId('shopper'), 'another-secret-that-is-as-long-as-the-first');

  it('ask for the shape before they ask for the shopper, and for the key before the body', async () => {
    const noKey = await buyAs(undefined, {}, { 'idempotency-key': '' });
    expect(await codeOf(noKey)).toBe('invalid-idempotency-key');
    expect(await codeOf(await buyAs(undefined, {}))).toBe('invalid-request');
    expect(await codeOf(await buyAs(undefined, await world.shop.open()))).toBe('unauthenticated');
  });

  it('refuse what is sold out before they verify who asks, and only where somebody is named', async () => {
    const item = await world.shop.open({ stock: 0 });
    await waitUntil('a forger is refused locally', async () => {
      await buyAs(genuine(), item);
      return (await codeOf(await buyAs(forged(), item))) === 'sold-out';
    });
    expect(await codeOf(await buyAs(undefined, item))).toBe('unauthenticated');
    expect(await codeOf(await buyAs(genuine(), {}))).toBe('invalid-request');
  });

  it('let no forger use up what a shopper may ask for', async () => {
    const gateway = await startGateway(world.redis.url, {
      FLUX_AUTH: 'jwt',
      FLUX_JWT_SECRET: SECRET,
      FLUX_SHOPPER_LIMIT: '1/1h',
    });
    const item = await world.shop.open();
    const shopper = randomId('shopper');
    const buyWith = (secret: string) =>
      buy(gateway, { body: item, headers: { authorization: tokenOf(shopper, secret) } });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect((await buyWith('another-secret-that-is-as-long-as-the-first')).status).toBe(401);
    }
    expect((await buyWith(SECRET)).status).toBe(202);
    expect((await buyWith(SECRET)).status).toBe(429);
  });

  it('let no forger through to the gate', async () => {
    const item = await world.shop.open({ stock: 5 });
    expect(await codeOf(await buyAs(forged(), item))).toBe('unauthenticated');
    expect((await buyAs(genuine(), item)).status).toBe(202);
    expect((await world.shop.gate.readItem(item))?.available).toBe(4);
  });
});

describe('the address limit', () => {
  const world = useWorld();
  const strict = { FLUX_ADDRESS_LIMIT: '3/1m' };

  async function spent(): Promise<TestGateway> {
    const gateway = await startGateway(world.redis.url, strict);
    for (let request = 0; request < 3; request += 1) await fetch(`${gateway.base}/v1/sales`);
    return gateway;
  }

  it('comes before all that a purchase is asked, and sells nothing', async () => {
    const gateway = await spent();
    const item = await world.shop.open({ stock: 5 });
    for (const purchase of [
      { body: item },
      { body: {} },
      { body: 'no JSON' },
      { body: item, key: 'short' },
      { body: item, shopper: 'a b' },
      { body: item, headers: { 'content-type': 'text/plain' } },
    ]) {
      const answer = await buy(gateway, purchase);
      expect(answer.status).toBe(429);
      expect(await codeOf(answer)).toBe('rate-limited');
    }
    expect((await world.shop.gate.readItem(item))?.available).toBe(5);
  });

  it('counts every address that is asked for, also one where nothing is', async () => {
    const gateway = await startGateway(world.redis.url, strict);
    for (const path of ['/nowhere', '/v1/orders/x', '/v1/sales']) await fetch(`${gateway.base}${path}`);
    expect((await fetch(`${gateway.base}/nowhere`)).status).toBe(429);
    expect((await fetch(`${gateway.base}/v1/sales`)).status).toBe(429);
    expect((await fetch(`${gateway.base}/health/live`)).status).toBe(200);
  });

  it('answers before the body has come, and the connection goes on', async () => {
    const gateway = await spent();
    const { port, hostname } = new URL(gateway.base);
    const head = [
      'POST /v1/orders HTTP/1.1',
      'Host: gateway',
      'Content-Type: application/json',
      'Content-Length: 2',
    ].join('\r\n');
    const answers: string[] = [];
    const socket = connect(Number(port), hostname).setEncoding('utf8');
    socket.on('data', (text: string) => answers.push(text));
    const limited = () => answers.join('').match(/HTTP\/1\.1 429 /g)?.length ?? 0;
    try {
      socket.write(`${head}\r\n\r\n`);
      await waitUntil('the answer is there', () => Promise.resolve(limited() === 1));
      socket.write(`{}${head}\r\n\r\n{}`);
      await waitUntil('so is the next', () => Promise.resolve(limited() === 2));
    } finally {
      socket.destroy();
    }
  });
});
