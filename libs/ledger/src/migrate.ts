import { DataSource, MigrationExecutor } from 'typeorm';

/** Advisory lock of migrations; any fixed number that nothing else in the database uses. */
const MIGRATION_LOCK = 7_305_001;

/**
 * Brings the schema up to date over a connection of its own, which no time limit cuts. Any number of processes may
 * start at once: one migrates, the others wait for it.
 * @returns the names of the migrations that ran now
 */
export async function migrate(dataSource: DataSource): Promise<readonly string[]> {
  const patient = new DataSource({
    ...dataSource.options,
    extra: { keepAlive: true },
  });
  await patient.initialize();
  try {
    const runner = patient.createQueryRunner();
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const executor = new MigrationExecutor(patient, runner);
    executor.transaction = 'each';
    const done = await executor.executePendingMigrations();
    return done.map(({ name }) => name);
  } finally {
    // Ends the session, and the lock with it.
    await patient.destroy();
  }
}

/** The migrations that the database lacks, by name. */
export async function missingMigrations(dataSource: DataSource): Promise<readonly string[]> {
  const [table]: { readonly exists: boolean }[] = await dataSource.query(
    "SELECT to_regclass('migrations') IS NOT NULL AS exists",
  );
  const rows: { readonly name: string }[] =
    table?.exists === true ? await dataSource.query('SELECT name FROM migrations') : [];
  const done = new Set(rows.map(({ name }) => name));
  return dataSource.migrations.map(({ constructor }) => constructor.name).filter((name) => !done.has(name));
}
