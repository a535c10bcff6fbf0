import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { missingMigrations } from './migrate';
import { checkServerSettings, UnsafeDatabaseError } from './server-settings';
import type { DatabaseConfig } from './settings';

const RETRY_MS = 1_000;

/** Whether the process has a ledger to work with. */
@Injectable()
export class LedgerConnection {
  private stopped = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly config: DatabaseConfig,
  ) {}

  /**
   * Connects, however long PostgreSQL takes to come up and its schema to be migrated, and checks the server's settings.
   * After that the pool reconnects by itself.
   * @param onFailure hears of each attempt that failed, for the log
   * @throws UnsafeDatabaseError when the server answers and is not safe: the process should exit
   */
  async ready(onFailure: (error: unknown) => void): Promise<void> {
    while (!this.stopped) {
      try {
        if (!this.dataSource.isInitialized) await this.dataSource.initialize();
        await checkServerSettings(this.dataSource, this.config);
        const missing = await missingMigrations(this.dataSource);
        if (missing.length === 0) return;
        onFailure(new Error(`the schema lacks ${missing.join(', ')}: run \`npm run migrate\``));
      } catch (error) {
        if (error instanceof UnsafeDatabaseError) throw error;
        onFailure(error);
      }
      await pause(RETRY_MS);
    }
  }

  /** For the readiness check: does PostgreSQL answer now? */
  async answers(): Promise<boolean> {
    if (!this.dataSource.isInitialized) return false;
    await this.dataSource.query('SELECT 1');
    return true;
  }

  /** Ends an attempt to connect that is under way; the pool is closed by Nest's TypeORM module. */
  onModuleDestroy(): void {
    this.stopped = true;
  }
}
