import type { DataSource } from 'typeorm';
import type { DatabaseConfig } from './settings';

/** Reachable, and not safe to keep orders in. */
export class UnsafeDatabaseError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(
      `PostgreSQL is not safe to keep orders in:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
    this.name = 'UnsafeDatabaseError';
  }
}

type Waiver = Extract<keyof DatabaseConfig, `FLUX_WAIVE_${string}`>;

const REQUIRED: readonly { readonly setting: string; readonly waiver: Waiver }[] = [
  { setting: 'fsync', waiver: 'FLUX_WAIVE_DATABASE_FSYNC' },
  { setting: 'synchronous_commit', waiver: 'FLUX_WAIVE_DATABASE_SYNCHRONOUS_COMMIT' },
  { setting: 'full_page_writes', waiver: 'FLUX_WAIVE_DATABASE_FULL_PAGE_WRITES' },
];

/**
 * Looks at what decides whether a commit survives a power cut. Every value of synchronous_commit but `off` waits for
 * the local disk.
 * @throws UnsafeDatabaseError naming each setting that is off and the variable that waives it
 */
export async function checkServerSettings(
  dataSource: DataSource,
  config: Pick<DatabaseConfig, Waiver>,
): Promise<void> {
  const rows: { readonly name: string; readonly setting: string }[] = await dataSource.query(
    'SELECT name, setting FROM pg_settings WHERE name = ANY ($1)',
    [REQUIRED.map(({ setting }) => setting)],
  );
  const off = new Set(rows.filter(({ setting }) => setting === 'off').map(({ name }) => name));
  const problems = REQUIRED.filter(({ setting, waiver }) => off.has(setting) && !config[waiver]).map(
    ({ setting, waiver }) => `${setting} is off (${waiver}=1 starts all the same)`,
  );
  if (problems.length > 0) throw new UnsafeDatabaseError(problems);
}
