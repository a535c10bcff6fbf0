import { createHash, randomBytes } from 'node:crypto';
import { asRedisUser, freePort } from '@flux/testing';
import type { AppOptions } from './app-process';

export type App = 'gateway' | 'relay' | 'orders' | 'admin';

/** Where an app finds its servers. */
export interface AppServers {
  readonly redisUrl: string;
  readonly kafkaBrokers: string;
  readonly databaseUrl: string;
  readonly topicPrefix: string;
}

/** The keys of one installation. */
export interface Credentials {
  readonly operatorKey: string;
  readonly serviceKey: string;
  readonly tokenKey: string;
}

export function newCredentials(): Credentials {
  return { operatorKey: randomKey(), serviceKey: randomKey(), tokenKey: randomKey() };
}

/** The variables of every process of one installation, whatever its app. Its loops look often, for tests wait on them. */
export function appEnvironment(servers: AppServers, credentials: Credentials): Record<string, string> {
  return {
    NODE_ENV: 'test',
    REDIS_URL: servers.redisUrl,
    KAFKA_BROKERS: servers.kafkaBrokers,
    DATABASE_URL: servers.databaseUrl,
    FLUX_TOPIC_PREFIX: servers.topicPrefix,
    FLUX_KAFKA_REPLICATION: process.env['FLUX_KAFKA_REPLICATION'] ?? '1',
    FLUX_KAFKA_PARTITIONS: '4',
    FLUX_AUTH: 'demo',
    FLUX_ADDRESS_LIMIT: 'off',
    FLUX_ADDRESS_CONNECTIONS: '1000000',
    FLUX_OPERATOR_KEYS: `test:${digestOf(credentials.operatorKey)}`,
    FLUX_SERVICE_KEYS: `shop:${digestOf(credentials.serviceKey)}`,
    FLUX_TOKEN_KEYS: `test:${credentials.tokenKey}`,
    FLUX_SWEEP_INTERVAL_MS: '500',
    FLUX_SWEEP_AGE_MS: '1500',
    FLUX_EXPIRY_BATCH: '100',
    FLUX_LOG_LEVEL: 'info',
    FLUX_SHUTDOWN_GRACE_MS: '200',
  };
}

/** How one process of an app is started, on ports of its own; started again with the same options it is the same one. */
export async function appOptions(app: App, env: Readonly<Record<string, string>>): Promise<AppOptions> {
  const [port, managementPort] = [await freePort(), await freePort()];
  const upper = app.toUpperCase();
  return {
    name: app,
    baseUrl: `http://127.0.0.1:${app === 'admin' || app === 'gateway' ? port : managementPort}`,
    // The admin process has one listener: it is its management port.
    managementUrl: `http://127.0.0.1:${app === 'admin' ? port : managementPort}`,
    env: {
      [`FLUX_${upper}_PORT`]: String(port),
      [`FLUX_${upper}_MANAGEMENT_PORT`]: String(managementPort),
      ...env,
      REDIS_URL: asRedisUser(env['REDIS_URL'] ?? '', app),
    },
  };
}

function randomKey(): string {
  return randomBytes(32).toString('base64url');
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
