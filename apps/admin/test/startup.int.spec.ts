import { hash } from 'node:crypto';
import { RedisConnection } from '@flux/gate';
import { Health, Metrics, createLog } from '@flux/telemetry';
import {
  type RedisServer,
  TcpProxy,
  type TestDatabase,
  createDatabase,
  deleteTopics,
  kafkaBrokers,
  startRedis,
  topicPrefix,
  waitUntil,
} from '@flux/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type AdminConfig, adminSettings } from '../src/admin-settings';
import { createAdmin } from '../src/create-admin';
import { Startup } from '../src/startup';
import { OPERATOR, saleBody } from './admin.world';

jest.setTimeout(60_000);

describe('the start of the admin process', () => {
  const prefix = topicPrefix();
  let redis: RedisServer;
  let database: TestDatabase;
  let postgres: TcpProxy;
  beforeAll(async () => {
    redis = await startRedis();
    database = await createDatabase();
    const { hostname, port } = new URL(database.config.DATABASE_URL);
    postgres = await TcpProxy.start({ host: hostname, port: Number(port) });
  });
  afterAll(async () => {
    await postgres.stop();
    await redis.remove();
    await database.drop();
    await deleteTopics(prefix);
  });

  function config(changes: Readonly<Record<string, string>> = {}): AdminConfig {
    const url = new URL(database.config.DATABASE_URL);
    url.port = String(postgres.port);
    return adminSettings.parse({
      DATABASE_URL: url.href,
      REDIS_URL: redis.url,
      KAFKA_BROKERS: kafkaBrokers(),
      FLUX_TOPIC_PREFIX: prefix,
      FLUX_KAFKA_REPLICATION: '1',
      FLUX_OPERATOR_KEYS: `${OPERATOR.name}:${hash('sha256', OPERATOR.key, 'hex')}`,
      ...changes,
    });
  }

  interface Started {
    readonly app: NestFastifyApplication;
    readonly startup: Startup;
    readonly unsafe: readonly Error[];
    readonly get: (path: string) => Promise<number>;
  }

  async function start(settings: AdminConfig): Promise<Started> {
    const telemetry = {
      log: createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'admin'),
      metrics: new Metrics('admin'),
      health: new Health(),
    };
    const app = await createAdmin(settings, telemetry);
    const startup = new Startup(app, settings, telemetry);
    await app.listen(0, '127.0.0.1');
    const unsafe: Error[] = [];
    startup.begin((error) => unsafe.push(error));
    const url = await app.getUrl();
    const get = async (path: string): Promise<number> => {
      const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${OPERATOR.key}` } });
      return response.status;
    };
    return { app, startup, unsafe, get };
  }

  async function post(app: NestFastifyApplication, path: string, body?: unknown): Promise<number> {
    const authorization = `Bearer ${OPERATOR.key}`;
    const json = {
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    const options = body === undefined ? { headers: { authorization } } : json;
    const response = await fetch(`${await app.getUrl()}${path}`, { method: 'POST', ...options });
    return response.status;
  }

  it('waits for its servers in any order: alive, not ready, 503, and ready in the end', async () => {
    postgres.set('cut');
    await redis.stop();
    const { app, startup, unsafe, get } = await start(config());
    expect([await get('/health/live'), await get('/health/ready')]).toEqual([200, 503]);
    expect([await get('/admin/v1/sales'), await get('/metrics')]).toEqual([503, 200]);
    expect(await post(app, '/admin/v1/sales', saleBody())).toBe(503);
    expect(await post(app, '/admin/v1/sales/a-sale/pause')).toBe(503);
    postgres.set('pass');
    await waitUntil('PostgreSQL is reached', async () => (await get('/admin/v1/sales')) === 200);
    expect(await get('/health/ready')).toBe(503);
    await redis.restart();
    await waitUntil('it is ready', async () => (await get('/health/ready')) === 200);
    await waitUntil('maintenance has begun', async () => (await redis.client.exists('catalogue')) === 1);
    expect(unsafe).toEqual([]);
    await startup.stop();
    await app.close();
  });

  it('stops in order while it still waits', async () => {
    postgres.set('cut');
    const { app, startup, unsafe } = await start(config());
    await startup.stop();
    await app.close();
    expect(unsafe).toEqual([]);
    postgres.set('pass');
  });

  it.each([
    ['appendonly', 'no', 'FLUX_WAIVE_REDIS_APPENDONLY'],
    ['appendfsync', 'everysec', 'FLUX_WAIVE_REDIS_APPENDONLY'],
    ['maxmemory-policy', 'allkeys-lru', 'FLUX_WAIVE_REDIS_EVICTION'],
  ])('gives up where Redis has %s %s, unless %s', async (setting, value, waiver) => {
    await redis.client.config('SET', setting, value);
    try {
      const refused = await start(config());
      await waitUntil('it gives up', () => refused.unsafe.length === 1);
      expect(refused.unsafe[0]?.message).toContain(setting);
      expect(refused.unsafe[0]?.message).toContain(waiver);
      await refused.startup.stop();
      await refused.app.close();
      const waived = await start(config({ [waiver]: '1' }));
      await waitUntil('it is ready', async () => (await waived.get('/health/ready')) === 200);
      expect(waived.app.get(RedisConnection).isReady()).toBe(true);
      await waived.startup.stop();
      await waived.app.close();
    } finally {
      const safe =
        { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }[setting] ?? '';
      await redis.client.config('SET', setting, safe);
    }
  });
});
