import { createHash, randomBytes } from 'node:crypto';
import { createDatabase, deleteTopics, freePort, kafkaBrokers, startRedis, topicPrefix } from '@flux/testing';
import { AppProcess } from './app-process';
import { Operator } from './operator';
import { ShopBackend } from './shop-backend';

type App = 'gateway' | 'relay' | 'orders' | 'admin';

interface WorldSize {
  readonly gateways: number;
  readonly relays: number;
  readonly orders: number;
}

/**
 * All processes of Flux-Gate as they run in production, on a private Redis, a fresh database and topics of their
 * own. Nothing is shared with another world but the brokers and the database server.
 */
export async function startWorld(size: WorldSize) {
  const [redis, database] = await Promise.all([startRedis(), createDatabase()]);
  const [operatorKey, serviceKey, tokenKey] = [randomKey(), randomKey(), randomKey()];
  const prefix = topicPrefix();
  const shared = {
    NODE_ENV: 'test',
    REDIS_URL: redis.url,
    KAFKA_BROKERS: kafkaBrokers(),
    DATABASE_URL: database.config.DATABASE_URL,
    FLUX_TOPIC_PREFIX: prefix,
    FLUX_KAFKA_REPLICATION: process.env['FLUX_KAFKA_REPLICATION'] ?? '1',
    FLUX_KAFKA_PARTITIONS: '4',
    FLUX_AUTH: 'demo',
    FLUX_ADDRESS_LIMIT: '1000000',
    FLUX_OPERATOR_KEYS: `test:${digestOf(operatorKey)}`,
    FLUX_SERVICE_KEYS: `shop:${digestOf(serviceKey)}`,
    FLUX_TOKEN_KEYS: `test:${tokenKey}`,
    FLUX_SWEEP_INTERVAL_MS: '500',
    FLUX_SWEEP_AGE_MS: '1500',
    FLUX_EXPIRY_BATCH: '100',
    FLUX_LOG_LEVEL: 'info',
  };

  const launched: AppProcess[] = [];
  const launch = async (app: App, env: Record<string, string> = {}): Promise<AppProcess> => {
    const [port, managementPort] = [await freePort(), await freePort()];
    const upper = app.toUpperCase();
    const process = AppProcess.launch({
      name: app,
      baseUrl: `http://127.0.0.1:${app === 'admin' || app === 'gateway' ? port : managementPort}`,
      // The admin process has one listener: it is its management port.
      managementUrl: `http://127.0.0.1:${app === 'admin' ? port : managementPort}`,
      env: {
        ...shared,
        [`FLUX_${upper}_PORT`]: String(port),
        [`FLUX_${upper}_MANAGEMENT_PORT`]: String(managementPort),
        ...env,
      },
    });
    launched.push(process);
    return process;
  };
  const start = async (app: App, env: Record<string, string> = {}): Promise<AppProcess> => {
    const process = await launch(app, env);
    await process.ready();
    return process;
  };
  const many = (app: App, count: number) => Promise.all(Array.from({ length: count }, () => start(app)));

  const stop = async (): Promise<void> => {
    await Promise.all(launched.map((process) => process.stop()));
    await redis.remove();
    await deleteTopics(prefix);
    await database.drop();
  };

  // All at once: the order in which processes start must not matter.
  const [admin, gateways, relays, orders] = await Promise.all([
    start('admin'),
    many('gateway', size.gateways),
    many('relay', size.relays),
    many('orders', size.orders),
  ]).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const operator = new Operator(admin.baseUrl, operatorKey);
  const shop = new ShopBackend(admin.baseUrl, serviceKey);

  return {
    redis,
    database,
    topicPrefix: prefix,
    admin,
    gateways,
    relays,
    orders,
    operator,
    shop,
    /** One more process of an app, which need not become ready. */
    launch,
    /** One more process of an app, ready. */
    start,
    /** Ends every process that was started, and forgets the data. */
    stop,
  };
}

function randomKey(): string {
  return randomBytes(32).toString('base64url');
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export type World = Awaited<ReturnType<typeof startWorld>>;
