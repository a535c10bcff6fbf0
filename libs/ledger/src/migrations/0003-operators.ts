import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What operators do: stock changes and the audit log. */
export class Operators1763800000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE stock_changes (
        id text COLLATE "C" NOT NULL,
        sale_id text COLLATE "C" NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        delta integer NOT NULL,
        reason text NOT NULL,
        actor text NOT NULL,
        epoch integer,
        state text NOT NULL DEFAULT 'pending',
        created_at timestamptz NOT NULL DEFAULT now(),
        decided_at timestamptz,
        CONSTRAINT stock_changes_id PRIMARY KEY (id),
        CONSTRAINT stock_changes_item FOREIGN KEY (sale_id, product_id) REFERENCES items (sale_id, product_id),
        CONSTRAINT stock_changes_state CHECK (state IN ('pending', 'applied', 'refused'))
      )`);
    await runner.query('CREATE INDEX stock_changes_of_item ON stock_changes (sale_id, product_id)');
    await runner.query(
      "CREATE INDEX stock_changes_pending ON stock_changes (created_at) WHERE state = 'pending'",
    );
    await runner.query(`
      CREATE TABLE audit_log (
        id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        at timestamptz NOT NULL DEFAULT now(),
        actor text NOT NULL,
        action text NOT NULL,
        subject text NOT NULL,
        before jsonb,
        after jsonb,
        CONSTRAINT audit_log_id PRIMARY KEY (id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit_log');
    await runner.query('DROP TABLE stock_changes');
  }
}
