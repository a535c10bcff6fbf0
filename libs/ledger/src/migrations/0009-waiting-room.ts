import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the waiting room needs of the truth. */
export class WaitingRoom1763800000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Without an index: a rebuild reads it with the rows, and the gate alone asks whether a pass was redeemed.
    await runner.query('ALTER TABLE orders ADD COLUMN pass_id text COLLATE "C"');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE orders DROP COLUMN pass_id');
  }
}
