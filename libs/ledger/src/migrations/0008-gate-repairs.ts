import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the reconciler did to gates, noted before it does it. */
export class GateRepairs1763800000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE gate_repairs (
        id text COLLATE "C" NOT NULL,
        sale_id text COLLATE "C" NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        epoch integer NOT NULL,
        version bigint NOT NULL,
        delta integer NOT NULL,
        available integer NOT NULL,
        expected integer NOT NULL,
        state text NOT NULL DEFAULT 'pending',
        created_at timestamptz NOT NULL DEFAULT now(),
        decided_at timestamptz,
        CONSTRAINT gate_repairs_id PRIMARY KEY (id),
        CONSTRAINT gate_repairs_item FOREIGN KEY (sale_id, product_id) REFERENCES items (sale_id, product_id),
        CONSTRAINT gate_repairs_state CHECK (state IN ('pending', 'applied'))
      )`);
    await runner.query(
      "CREATE INDEX gate_repairs_pending ON gate_repairs (created_at) WHERE state = 'pending'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE gate_repairs');
  }
}
