import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How far the rebuild of an item's gate has come, and which there were. */
export class Rebuilds1763800000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE rebuilds (
        id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        sale_id text COLLATE "C" NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        kind text NOT NULL,
        reason text NOT NULL,
        actor text NOT NULL,
        state text NOT NULL DEFAULT 'running',
        phase text NOT NULL DEFAULT 'asked',
        attempts integer NOT NULL DEFAULT 0,
        last_failure text,
        from_epoch integer NOT NULL,
        epoch integer,
        relayed integer NOT NULL DEFAULT 0,
        unreadable integer NOT NULL DEFAULT 0,
        orders integer NOT NULL DEFAULT 0,
        available integer,
        started_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz,
        CONSTRAINT rebuilds_id PRIMARY KEY (id),
        CONSTRAINT rebuilds_item FOREIGN KEY (sale_id, product_id) REFERENCES items (sale_id, product_id),
        CONSTRAINT rebuilds_kind CHECK (kind IN ('suspended', 'lost', 'old-epoch', 'asked')),
        CONSTRAINT rebuilds_state CHECK (state IN ('running', 'done') AND (done_at IS NOT NULL) = (state = 'done')),
        CONSTRAINT rebuilds_phase CHECK (
          phase IN ('asked', 'closing', 'relaying', 'waiting', 'counting', 'writing', 'opening', 'open')
        )
      )`);
    await runner.query('CREATE INDEX rebuilds_of_item ON rebuilds (sale_id, product_id, id)');
    await runner.query(
      "CREATE UNIQUE INDEX rebuilds_one_at_a_time ON rebuilds (sale_id, product_id) WHERE state = 'running'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE rebuilds');
  }
}
