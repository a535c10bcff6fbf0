import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a database is rebuilt from: each item's row counts the transactions that changed it, and the queue's rows say
 * what they changed. Items of before begin in the middle, at version 1 without an event.
 */
export class LedgerEvents1763800000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE ledger
        ADD COLUMN version bigint NOT NULL DEFAULT 1,
        ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),
        ADD COLUMN previous_at timestamptz`);
    await runner.query('ALTER TABLE sales ADD COLUMN version bigint NOT NULL DEFAULT 1');
    await runner.query(`
      ALTER TABLE order_events
        ADD COLUMN version bigint,
        ADD COLUMN ledger json,
        ADD COLUMN more json,
        ADD COLUMN rows json`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE order_events
        DROP COLUMN version, DROP COLUMN ledger, DROP COLUMN more, DROP COLUMN rows`);
    await runner.query('ALTER TABLE sales DROP COLUMN version');
    await runner.query(
      'ALTER TABLE ledger DROP COLUMN version, DROP COLUMN changed_at, DROP COLUMN previous_at',
    );
  }
}
