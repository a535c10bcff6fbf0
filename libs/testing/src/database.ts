import { randomBytes } from 'node:crypto';
import { createDataSource, databaseSettings, type DatabaseConfig } from '@flux/ledger';
import { Client } from 'pg';
import type { DataSource, Logger } from 'typeorm';
import { migratedTemplate } from './database-template';

export interface TestDatabase {
  /** A configuration that leads to the database, with the product's defaults. */
  readonly config: DatabaseConfig;
  /** Connected. */
  readonly dataSource: DataSource;
  /** Another pool to the same database: another process, to PostgreSQL. */
  readonly connect: (options?: ConnectOptions) => Promise<DataSource>;
  /** Closes every pool and drops the database. */
  readonly drop: () => Promise<void>;
}

export interface ConnectOptions {
  readonly config?: Partial<DatabaseConfig>;
  readonly logger?: Logger;
}

/**
 * A fresh database on a server whose user may create databases, that of `DATABASE_URL` unless another is named;
 * migrated unless told otherwise.
 * @throws where none is named and the variable is missing
 */
export async function createDatabase({
  migrated = true,
  server = process.env['DATABASE_URL'],
}: { readonly migrated?: boolean; readonly server?: string | undefined } = {}): Promise<TestDatabase> {
  if (server === undefined || server === '') {
    throw new Error('DATABASE_URL is not set: run the tests with `npm test`, which brings PostgreSQL up');
  }
  const name = `flux_test_${randomBytes(8).toString('hex')}`;
  await onServer(server, async (client) => {
    const template = migrated ? ` TEMPLATE ${await migratedTemplate(client, server)}` : '';
    await client.query(`CREATE DATABASE ${name}${template}`);
  });
  const url = new URL(server);
  url.pathname = `/${name}`;
  const config = databaseSettings.parse({ DATABASE_URL: url.href, FLUX_DATABASE_POOL_SIZE: '4' });
  const pools: DataSource[] = [];
  const connect = async ({ config: changed, logger }: ConnectOptions = {}): Promise<DataSource> => {
    const dataSource = createDataSource({
      config: { ...config, ...changed },
      applicationName: 'flux-test',
      ...(logger === undefined ? {} : { logger }),
    });
    pools.push(dataSource);
    return dataSource.initialize();
  };
  const dataSource = await connect();
  return {
    config,
    dataSource,
    connect,
    drop: async () => {
      for (const pool of pools) if (pool.isInitialized) await pool.destroy();
      await onServer(server, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`));
    },
  };
}

async function onServer(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
