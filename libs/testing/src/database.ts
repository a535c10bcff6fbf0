import { randomBytes } from 'node:crypto';
import { createDataSource, databaseSettings, migrate, type DatabaseConfig } from '@flux/ledger';
import { Client } from 'pg';
import type { DataSource, Logger } from 'typeorm';

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
 * A fresh database on the server of `DATABASE_URL`, whose user may create databases; migrated unless told otherwise.
 * @throws where the variable is missing
 */
export async function createDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const server = process.env['DATABASE_URL'];
  if (server === undefined || server === '') {
    throw new Error('DATABASE_URL is not set: run the tests with `npm test`, which brings PostgreSQL up');
  }
  const name = `flux_test_${randomBytes(8).toString('hex')}`;
  await onServer(server, `CREATE DATABASE ${name}`);
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
  if (migrated) await migrate(dataSource);
  return {
    config,
    dataSource,
    connect,
    drop: async () => {
      for (const pool of pools) if (pool.isInitialized) await pool.destroy();
      await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
