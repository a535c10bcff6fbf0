import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The truth: units by item, orders, and the messages put aside. */
export class Ledger1763800000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE ledger (
        sale_id text COLLATE "C" NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        initial integer NOT NULL,
        held integer NOT NULL DEFAULT 0,
        sold integer NOT NULL DEFAULT 0,
        parked integer NOT NULL DEFAULT 0,
        epoch integer NOT NULL DEFAULT 1,
        epoch_offset bigint,
        watermark bigint NOT NULL DEFAULT 0,
        watermark_order_id text COLLATE "C" NOT NULL DEFAULT '',
        ahead jsonb NOT NULL DEFAULT '[]',
        suspended_reason text,
        CONSTRAINT ledger_id PRIMARY KEY (sale_id, product_id),
        CONSTRAINT ledger_item FOREIGN KEY (sale_id, product_id) REFERENCES items (sale_id, product_id),
        CONSTRAINT ledger_never_oversold CHECK (held + sold + parked <= initial),
        CONSTRAINT ledger_not_negative CHECK (initial >= 0 AND held >= 0 AND sold >= 0 AND parked >= 0)
      )`);
    await runner.query(`
      CREATE TABLE orders (
        order_id text COLLATE "C" NOT NULL,
        sale_id text COLLATE "C" NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        shopper_id text COLLATE "C" NOT NULL,
        quantity integer NOT NULL,
        fingerprint text COLLATE "C" NOT NULL,
        state text NOT NULL,
        reason text,
        booked integer NOT NULL DEFAULT 0,
        epoch integer NOT NULL,
        sequence bigint NOT NULL,
        accepted_at timestamptz NOT NULL,
        decided_at timestamptz NOT NULL,
        hold_until timestamptz,
        CONSTRAINT orders_id PRIMARY KEY (order_id),
        CONSTRAINT orders_state CHECK (
          state IN ('confirmed', 'rejected', 'parked', 'cancelled', 'expired', 'paid')
          AND (reason IS NOT NULL) = (state = 'rejected')
        ),
        CONSTRAINT orders_quantity CHECK (quantity >= 1 AND booked >= 0 AND booked <= quantity)
      )`);
    await runner.query('CREATE INDEX orders_of_shopper ON orders (shopper_id, product_id, sale_id)');
    await runner.query(`
      CREATE INDEX orders_with_state_written_out ON orders (sale_id, product_id, epoch, sequence)
        WHERE state <> 'confirmed'`);
    await runner.query(`
      CREATE TABLE parked_messages (
        id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        topic text NOT NULL,
        partition integer NOT NULL,
        message_offset bigint NOT NULL,
        key bytea,
        value bytea,
        headers jsonb NOT NULL,
        reason text NOT NULL,
        sale_id text COLLATE "C",
        product_id text COLLATE "C",
        epoch integer,
        first_sequence bigint,
        order_count integer NOT NULL DEFAULT 0,
        booked integer NOT NULL DEFAULT 0,
        state text NOT NULL DEFAULT 'parked',
        parked_at timestamptz NOT NULL DEFAULT now(),
        resolved_at timestamptz,
        CONSTRAINT parked_messages_id PRIMARY KEY (id),
        CONSTRAINT parked_messages_once UNIQUE (topic, partition, message_offset),
        CONSTRAINT parked_messages_state CHECK (state IN ('parked', 'retried', 'discarded'))
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE parked_messages');
    await runner.query('DROP TABLE orders');
    await runner.query('DROP TABLE ledger');
  }
}
