import { setTimeout as pause } from 'node:timers/promises';
import { ConfigError, loadConfig } from '@flux/config';
import { createDataSource, describeFailure, migrate } from '@flux/ledger';
import { type Log, createLog } from '@flux/telemetry';
import type { DataSource } from 'typeorm';
import { migrateSettings } from './admin-settings';
import { failedDependency } from './dependency-failure.interceptor';

/** Long enough for a database to come up beside it, short enough for a deployment to fail by it. */
const WAIT_MS = 60_000;
const RETRY_MS = 1_000;

/** `npm run migrate`: brings the schema up to date. Exits with 0 when it is, with 1 and the reason when not. */
async function main(): Promise<void> {
  const config = loadConfig(migrateSettings);
  const log = createLog(config, 'migrate');
  const dataSource = createDataSource({ config, applicationName: 'flux-migrate' });
  await waitForDatabase(dataSource, log);
  await dataSource.destroy();
  const migrations = await migrate(dataSource);
  log.info({ migrations }, migrations.length === 0 ? 'the schema is up to date' : 'the schema was migrated');
}

/** @throws what the last attempt threw, after WAIT_MS, or at once where waiting does not help */
async function waitForDatabase(dataSource: DataSource, log: Log): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    try {
      await dataSource.initialize();
      return;
    } catch (error) {
      if (failedDependency(error) === undefined || Date.now() > deadline) throw error;
      log.warn({ reason: describeFailure(error) }, 'waits for PostgreSQL');
      await pause(RETRY_MS);
    }
  }
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    error instanceof ConfigError ? `${reason}\n` : `The schema was not migrated: ${reason}\n`,
  );
  process.exitCode = 1;
});
