import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the operator defines: sales and their items. */
export class Sales1763800000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE sales (
        id text COLLATE "C" NOT NULL,
        name text NOT NULL,
        state text NOT NULL DEFAULT 'scheduled',
        opens_at timestamptz NOT NULL,
        closes_at timestamptz NOT NULL,
        hold_ms integer NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        closed_at timestamptz,
        retired_at timestamptz,
        CONSTRAINT sales_id PRIMARY KEY (id),
        CONSTRAINT sales_state CHECK (state IN ('scheduled', 'open', 'paused', 'closed', 'retired')),
        CONSTRAINT sales_window CHECK (closes_at > opens_at)
      )`);
    await runner.query(`
      CREATE TABLE items (
        sale_id text COLLATE "C" NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        position integer NOT NULL DEFAULT 0,
        name text NOT NULL,
        price_minor bigint NOT NULL,
        currency text NOT NULL,
        per_shopper_limit integer NOT NULL,
        gate_opened_at timestamptz,
        live boolean NOT NULL DEFAULT false,
        CONSTRAINT items_id PRIMARY KEY (sale_id, product_id),
        CONSTRAINT items_sale FOREIGN KEY (sale_id) REFERENCES sales (id),
        CONSTRAINT items_price CHECK (price_minor >= 0),
        CONSTRAINT items_limit CHECK (per_shopper_limit >= 1)
      )`);
    await runner.query('CREATE UNIQUE INDEX items_one_open_sale ON items (product_id) WHERE live');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE items');
    await runner.query('DROP TABLE sales');
  }
}
