import { createHash } from 'node:crypto';
import { createDataSource, databaseSettings, migrate } from '@flux/ledger';
import type { Client } from 'pg';

const PREFIX = 'flux_template_';

/** Advisory lock of those who make a template; any number that nothing else in the tests' database uses. */
const TEMPLATE_LOCK = 7_305_901;

/**
 * The name of a database with the schema as the migrations make it, of which others are copied: a copy takes
 * PostgreSQL a third of the time that the migrations take. Made by the first who asks, anew where a migration has
 * changed.
 * @param client connected to `server`, whose user may create databases
 */
export async function migratedTemplate(client: Client, server: string): Promise<string> {
  const name = `${PREFIX}${schemaOf(server)}`;
  if (await exists(client, name)) return name;
  await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  try {
    if (!(await exists(client, name))) await makeTemplate(client, server, name);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [TEMPLATE_LOCK]);
  }
  return name;
}

async function makeTemplate(client: Client, server: string, name: string): Promise<void> {
  const { rows } = await client.query<{ readonly datname: string }>(
    'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
    [PREFIX],
  );
  for (const { datname } of rows) await client.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
  const unfinished = `${name}_unfinished`;
  await client.query(`CREATE DATABASE ${unfinished}`);
  const dataSource = createDataSource({ ...descriptionOf(server, unfinished) });
  await dataSource.initialize();
  try {
    await migrate(dataSource);
  } finally {
    await dataSource.destroy();
  }
  // Only now does anybody find it.
  await client.query(`ALTER DATABASE ${unfinished} RENAME TO ${name}`);
}

async function exists(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  return rowCount === 1;
}

/** A digest of all migrations. */
function schemaOf(server: string): string {
  const { options } = createDataSource(descriptionOf(server, 'none'));
  const migrations = Object.values(options.migrations ?? {}).map(String);
  return createHash('sha256').update(migrations.join('\n')).digest('hex').slice(0, 16);
}

function descriptionOf(server: string, name: string): Parameters<typeof createDataSource>[0] {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { config: databaseSettings.parse({ DATABASE_URL: url.href }), applicationName: 'flux-test' };
}
