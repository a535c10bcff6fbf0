import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ORDERS_ACCEPTED_TOPIC, type AcceptedAnswer, type OrderAnswer } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { kafkaBrokers, readTopic, waitUntil } from '@flux/testing';
import { SignJWT } from 'jose';
import { Kafka, logLevel } from 'kafkajs';
import { askRaw, request } from '../hostile/raw';
import type { AppProcess } from './support/app-process';
import { LOG_KEPT } from './support/app-process';
import { Canaries } from './support/canaries';
import { startWorld, type World } from './support/world';

const SALE = 'canaries';
const PRODUCT = 'canary-seed';
const LINE_SALE = 'canary-line';
const LINE_PRODUCT = 'millet';

/**
 * S40. An installation that holds a secret of its own in every setting and is sent one in every place where a request has
 * room for it, in good times and while things break. What it writes down is then searched for them.
 */
describe('S40: secrets and tokens', () => {
  const canaries = new Canaries();
  /** What a caller may send in a body, or a shop's message may hold: it is kept where it belongs, and told nowhere. */
  const settings = {
    jwt: canaries.make('FLUX_JWT_SECRET'),
    token: canaries.make('FLUX_TOKEN_KEYS'),
    stripe: canaries.make('FLUX_STRIPE_SECRET_KEY'),
    webhook: canaries.add('FLUX_STRIPE_WEBHOOK_SECRETS', Buffer.from(randomUUID()).toString('base64')),
    captcha: canaries.make('FLUX_CAPTCHA_SECRET'),
  };
  const said: string[] = [];
  let world: World;
  let gateway: AppProcess;

  beforeAll(async () => {
    world = await startWorld(
      { gateways: 1, relays: 1, orders: 1 },
      {
        FLUX_LOG_LEVEL: 'trace',
        FLUX_AUTH: 'jwt',
        FLUX_JWT_SECRET: settings.jwt,
        FLUX_TOKEN_KEYS: `k1:${settings.token}`,
        FLUX_PAYMENTS: 'stripe',
        FLUX_STRIPE_SECRET_KEY: `sk_test_${settings.stripe}`,
        FLUX_STRIPE_WEBHOOK_SECRETS: `whsec_${settings.webhook}`,
        // Nobody is there: every call breaks.
        FLUX_STRIPE_API_URL: 'http://127.0.0.1:1',
        FLUX_WEBHOOK_ALLOW: '127.0.0.1:1',
        FLUX_CAPTCHA_PROVIDER: 'turnstile',
        FLUX_CAPTCHA_SITE_KEY: 'site-key',
        FLUX_CAPTCHA_HOSTNAMES: 'shop.example',
        FLUX_CAPTCHA_SECRET: settings.captcha,
        FLUX_CAPTCHA_VERIFY_URL: 'http://127.0.0.1:1/siteverify',
      },
    );
    gateway = world.gateways[0] ?? fail('there is no gateway');
    canaries.add('operator key', world.credentials.operatorKey);
    canaries.add('service key', world.credentials.serviceKey);
    canaries.add('password of PostgreSQL', new URL(world.database.config.DATABASE_URL).password);
    const redisPassword = new URL(world.env['REDIS_URL'] ?? '').password;
    if (redisPassword !== '') canaries.add('password of Redis', redisPassword);
    await world.operator.openSale(SALE, PRODUCT, { stock: 100, perShopperLimit: 50 });
    await openLine();
  });

  afterAll(() => world.stop());

  async function openLine(): Promise<void> {
    const created = await world.operator.call('POST', '/admin/v1/sales', {
      id: LINE_SALE,
      name: LINE_SALE,
      opensAt: new Date(Date.now() - 60_000).toISOString(),
      closesAt: new Date(Date.now() + 3_600_000).toISOString(),
      holdMs: 600_000,
      items: [
        {
          productId: LINE_PRODUCT,
          name: 'Millet',
          stock: 10,
          perShopperLimit: 1,
          priceMinor: 1,
          currency: 'EUR',
        },
      ],
      admission: { mode: 'on', challenge: 'captcha' },
    });
    expect(created.status).toBe(201);
    expect((await world.operator.call('POST', `/admin/v1/sales/${LINE_SALE}/open`)).status).toBe(200);
  }

  /** The signature alone makes a token one. */
  async function bearer(shopper: string): Promise<string> {
    const token = await new SignJWT({ sub: shopper })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('10m')
      .sign(Buffer.from(settings.jwt));
    canaries.add(`token of ${shopper}`, token.slice(token.lastIndexOf('.') + 1));
    return `Bearer ${token}`;
  }

  /** Every place that a request has, filled with a secret of its own. */
  const everywhere = (name: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [
        'Cookie',
        'X-Pass',
        'X-Challenge',
        'X-Ticket',
        'X-Api-Key',
        'X-Device-Hint',
        'X-Unknown',
        'X-Request-Id',
        'X-Forwarded-For',
        'Proxy-Authorization',
        'User-Agent',
        'Referer',
        'Traceparent',
        'Last-Event-ID',
      ].map((header) => {
        const canary = canaries.make(`${header} of ${name}`);
        // A request id that is harmless is kept by design.
        return [header, header === 'X-Request-Id' ? `${canary} ` + '{}' : canary];
      }),
    );

  const ask = async (app: AppProcess, text: string) => {
    const answer = await askRaw(app.baseUrl, text);
    if (answer.status >= 400) said.push(JSON.stringify(answer.headers), answer.body);
    return answer;
  };

  async function purchase(
    shopper: string,
    options: { readonly productId?: string; readonly all?: boolean } = {},
  ) {
    const key = canaries.make(`key of ${shopper}`).slice(0, 40);
    canaries.add(`key of ${shopper}, as sent`, key);
    const headers = {
      Authorization: await bearer(shopper),
      'Content-Type': 'application/json',
      'Idempotency-Key': key,
      ...(options.all === true ? everywhere(shopper) : {}),
    };
    const text = request(
      'POST /v1/orders',
      headers,
      JSON.stringify({ productId: options.productId ?? PRODUCT }),
    );
    return ask(gateway, text);
  }

  it('are sent in good requests and in bad ones', async () => {
    const bought = await purchase('ann', { all: true });
    expect(bought.status).toBe(202);
    const { orderId } = JSON.parse(bought.body) as AcceptedAnswer;
    const authorization = await bearer('ann');
    const read = await ask(gateway, request(`GET /v1/orders/${orderId}`, { Authorization: authorization }));
    const { eventsUrl = '' } = JSON.parse(read.body) as OrderAnswer;
    const ticket = new URL(eventsUrl, gateway.baseUrl).searchParams.get('ticket') ?? '';
    canaries.add('ticket of the order', ticket);
    const stream = await fetch(new URL(eventsUrl, gateway.baseUrl));
    expect(stream.status).toBe(200);
    await stream.body?.cancel();
    await ask(gateway, request(`GET /v1/orders/${orderId}/events?ticket=${canaries.make('bad ticket')}`));
    await ask(gateway, request(`POST /v1/orders/${orderId}/cancel`, { Authorization: authorization }));

    for (const path of [
      '/v1/orders',
      `/v1/sales/${LINE_SALE}/queue`,
      `/v1/orders/${orderId}/cancel`,
      '/nowhere',
    ]) {
      const headers = { ...everywhere(`POST ${path}`), 'Content-Type': 'application/json' };
      await ask(gateway, request(`POST ${path}?q=${canaries.make(`query of ${path}`)}`, headers, '{}'));
      const fields = {
        [canaries.make('a field')]: canaries.make('value of a field'),
        productId: canaries.make('id'),
      };
      await ask(
        gateway,
        request(`POST ${path}`, { ...headers, Authorization: authorization }, JSON.stringify(fields)),
      );
      await ask(
        gateway,
        request(`POST ${path}`, { ...headers, 'Content-Type': canaries.make('type') }, '{}'),
      );
      await ask(gateway, request(`POST ${path}`, headers, `{"${canaries.make('bad JSON')}`));
      await ask(gateway, request(`GET ${path}/${canaries.make('address')}`, headers));
      await ask(gateway, request(`GET ${path}`, { Authorization: `Bearer ${canaries.make('bad token')}` }));
    }
    await ask(gateway, request('GET /v1/sales', { X: canaries.make('large headers') + 'x'.repeat(9_000) }));
    await ask(gateway, `GET /${canaries.make('no HTTP')}\r\n\r\n`);

    // A captcha that nobody can check, at the join and in front of a purchase.
    const join = { ...everywhere('join'), Authorization: await bearer('bob') };
    await ask(gateway, request(`POST /v1/sales/${LINE_SALE}/queue`, join));
    expect((await purchase('cem', { productId: LINE_PRODUCT, all: true })).status).toBeGreaterThanOrEqual(
      400,
    );
  });

  it('are sent to operators’ and services’ API', async () => {
    const hook = await world.operator.call('POST', '/admin/v1/webhooks', {
      url: 'http://127.0.0.1:1/hook',
    });
    expect(hook.status).toBe(201);
    canaries.add(
      'secret of a webhook',
      (hook.body as { readonly secret: string }).secret.replace('whsec_', ''),
    );
    const created = await world.operator.call('POST', '/admin/v1/keys', { name: 'second', role: 'operator' });
    expect(created.status).toBe(201);
    canaries.add('new operator key', (created.body as { readonly key: string }).key);

    const { body } = await purchase('dan');
    const { orderId } = JSON.parse(body) as AcceptedAnswer;
    await waitUntil('it is confirmed', async () => {
      return (await world.shop.call('GET', `/shop/v1/orders/${orderId}`)).body['status'] === 'confirmed';
    });
    const service = {
      Authorization: `Bearer ${world.credentials.serviceKey}`,
      'Content-Type': 'application/json',
    };
    const operator = {
      Authorization: `Bearer ${world.credentials.operatorKey}`,
      'Content-Type': 'application/json',
    };
    for (const [path, identity] of [
      [`/shop/v1/orders/${orderId}/paid`, service],
      [`/shop/v1/orders/${orderId}/cancel`, service],
      ['/admin/v1/sales', operator],
      ['/admin/v1/keys', operator],
      ['/admin/v1/access-rules', operator],
      ['/webhooks/stripe', {}],
    ] as const) {
      const headers = {
        ...everywhere(path),
        ...identity,
        'Idempotency-Key': canaries.make(`key of ${path}`).slice(0, 40),
      };
      await ask(
        world.admin,
        request(`POST ${path}`, headers, JSON.stringify({ [canaries.make('a field')]: 1 })),
      );
      await ask(
        world.admin,
        request(`POST ${path}`, { ...headers, Authorization: `Bearer ${canaries.make('bad key')}` }, '{}'),
      );
      await ask(
        world.admin,
        request(
          `POST ${path}`,
          { ...headers, 'Stripe-Signature': `t=1,v1=${canaries.make('signature')}` },
          '{',
        ),
      );
      await ask(world.admin, request(`GET ${path}?key=${canaries.make(`query of ${path}`)}`, headers));
    }
  });

  it('are about while things break: a poison message, a wrong type in Redis, a Redis that is gone', async () => {
    await sendPoison(canaries.make('poison'));
    await waitUntil('it is parked', async () => (await parked()).length > 0);
    said.push(JSON.stringify(await parked()));

    // What Redis says of a command that breaks, the client hands on with all that was sent.
    const { shoppers } = itemKeys({ saleId: SALE, productId: PRODUCT });
    await world.redis.client.rename(shoppers, 'aside');
    await world.redis.client.set(shoppers, 'of another type');
    const broken = await purchase('eve', { all: true });
    expect(broken.status).toBeGreaterThanOrEqual(500);
    await world.redis.client.del(shoppers);
    await world.redis.client.rename('aside', shoppers);

    await world.redis.kill();
    expect((await purchase('fay', { all: true })).status).toBe(503);
    await world.redis.restart();
    await waitUntil('it sells again', async () => (await purchase(`gil-${randomUUID()}`)).status === 202);
  });

  it('stand in no log, no metric, no error, no audit log and no parked message', async () => {
    const processes = [world.admin, ...world.gateways, ...world.relays, ...world.orders];
    for (const { name, log, managementUrl } of processes) {
      expect(log.length).toBeLessThan(LOG_KEPT);
      expect(log).toContain('"started"');
      expect({ [`log of ${name}`]: canaries.foundIn(log) }).toEqual({ [`log of ${name}`]: [] });
      const metrics = await (await fetch(`${managementUrl}/metrics`)).text();
      expect({ [`metrics of ${name}`]: canaries.foundIn(metrics) }).toEqual({ [`metrics of ${name}`]: [] });
    }
    expect(said.length).toBeGreaterThan(60);
    expect(canaries.foundIn(said.join('\n'))).toEqual([]);
    const audit = await world.operator.call('GET', '/admin/v1/audit-log?limit=100');
    expect(canaries.foundIn(JSON.stringify(audit.body))).toEqual([]);
    expect(canaries.foundIn(JSON.stringify(await parked()))).toEqual([]);
  });

  it('stand in no order that travels or rests: not in Redis’ file, in Kafka or in the tables', async () => {
    const ofRequests = (text: string) => canaries.foundIn(text).filter((name) => name !== 'poison');
    const folder = join(world.redis.folder, 'appendonlydir');
    const file = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'latin1'))
      .join('');
    expect(file).toContain(PRODUCT);
    expect(ofRequests(file)).toEqual([]);
    const messages = await readTopic(`${world.topicPrefix}${ORDERS_ACCEPTED_TOPIC}`);
    expect(messages.length).toBeGreaterThan(0);
    expect(
      ofRequests(
        messages.map(({ value, headers }) => `${String(value)}${JSON.stringify(headers)}`).join('\n'),
      ),
    ).toEqual([]);
    for (const table of ['orders', 'parked_messages', 'audit_log', 'api_keys']) {
      const rows = await world.database.dataSource.query<{ readonly row: string }[]>(
        `SELECT t::text AS row FROM ${table} t`,
      );
      expect(rows.length).toBeGreaterThan(0);
      expect({ [table]: ofRequests(rows.map(({ row }) => row).join('\n')) }).toEqual({ [table]: [] });
    }
  });

  async function parked(): Promise<readonly unknown[]> {
    const { body } = await world.operator.call('GET', '/admin/v1/parked');
    return (body as { readonly messages: readonly unknown[] }).messages;
  }

  async function sendPoison(secret: string): Promise<void> {
    const kafka = new Kafka({ brokers: kafkaBrokers().split(','), logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    await producer.send({
      topic: `${world.topicPrefix}${ORDERS_ACCEPTED_TOPIC}`,
      messages: [
        { key: PRODUCT, value: `{"secret":"${secret}"`, headers: { secret, authorization: secret } },
      ],
    });
    await producer.disconnect();
  }
});

function fail(why: string): never {
  throw new Error(why);
}
