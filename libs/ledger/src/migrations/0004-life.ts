import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The life of an order after its confirmation, the money that comes for it, and who hears of it. */
export class Life1763800000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE orders
        ADD COLUMN cancel_epoch integer,
        ADD COLUMN cancel_sequence bigint,
        ADD COLUMN history jsonb,
        ADD COLUMN gate_epoch integer,
        ADD COLUMN gate_units integer NOT NULL DEFAULT 0,
        DROP CONSTRAINT orders_state,
        ADD CONSTRAINT orders_state CHECK (
          state IN ('confirmed', 'rejected', 'parked', 'cancelled', 'expired', 'paid')
          AND (state <> 'rejected' OR reason IS NOT NULL)
        ),
        ADD CONSTRAINT orders_cancel CHECK ((cancel_epoch IS NULL) = (cancel_sequence IS NULL)),
        ADD CONSTRAINT orders_hold CHECK ((hold_until IS NOT NULL) = (state = 'confirmed')),
        ADD CONSTRAINT orders_gate_units CHECK (gate_units >= 0 AND gate_units <= quantity)`);
    await runner.query('DROP INDEX orders_with_state_written_out');
    await runner.query("CREATE INDEX orders_held ON orders (hold_until) WHERE state = 'confirmed'");
    await runner.query('CREATE INDEX orders_untold ON orders (decided_at) WHERE gate_epoch IS NOT NULL');
    await runner.query(`
      ALTER TABLE sales
        ADD COLUMN retention_ms bigint,
        ADD COLUMN forgotten_at timestamptz,
        ADD COLUMN refusals jsonb`);
    await runner.query(`
      CREATE TABLE order_events (
        id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        sale_id text COLLATE "C" NOT NULL,
        product_id text COLLATE "C" NOT NULL,
        events json NOT NULL,
        CONSTRAINT order_events_id PRIMARY KEY (id)
      )`);
    // A row lives for less than a second: to parse and to compress it would cost more than to write it.
    await runner.query('ALTER TABLE order_events ALTER COLUMN events SET STORAGE EXTERNAL');
    await runner.query(`
      CREATE TABLE payments (
        payment_id text COLLATE "C" NOT NULL,
        order_id text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        provider text,
        state text NOT NULL,
        epoch integer,
        give_back_units integer,
        created_at timestamptz NOT NULL DEFAULT now(),
        decided_at timestamptz,
        CONSTRAINT payments_id PRIMARY KEY (payment_id),
        CONSTRAINT payments_order FOREIGN KEY (order_id) REFERENCES orders (order_id),
        CONSTRAINT payments_state CHECK (state IN ('pending', 'applied', 'refund-due')),
        CONSTRAINT payments_amount CHECK (amount_minor >= 0)
      )`);
    await runner.query('CREATE INDEX payments_of_order ON payments (order_id)');
    await runner.query(
      "CREATE UNIQUE INDEX payments_one_for_an_order ON payments (order_id) WHERE state = 'applied'",
    );
    await runner.query(`
      CREATE INDEX payments_unfinished ON payments (created_at)
        WHERE state = 'pending' OR give_back_units IS NOT NULL`);
    await runner.query(`
      CREATE TABLE refunds (
        payment_id text COLLATE "C" NOT NULL,
        order_id text COLLATE "C" NOT NULL,
        amount_minor bigint NOT NULL,
        currency text NOT NULL,
        provider text,
        reason text NOT NULL,
        state text NOT NULL DEFAULT 'due',
        created_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz,
        CONSTRAINT refunds_payment PRIMARY KEY (payment_id),
        CONSTRAINT refunds_state CHECK (state IN ('due', 'done'))
      )`);
    await runner.query('CREATE INDEX refunds_of_order ON refunds (order_id)');
    await runner.query("CREATE INDEX refunds_due ON refunds (created_at) WHERE state = 'due'");
    await runner.query(`
      CREATE TABLE provider_events (
        provider text NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        type text NOT NULL,
        content jsonb NOT NULL,
        state text NOT NULL DEFAULT 'received',
        received_at timestamptz NOT NULL DEFAULT now(),
        done_at timestamptz,
        CONSTRAINT provider_events_id PRIMARY KEY (provider, event_id),
        CONSTRAINT provider_events_state CHECK (state IN ('received', 'done'))
      )`);
    await runner.query(
      "CREATE INDEX provider_events_waiting ON provider_events (received_at) WHERE state = 'received'",
    );
    await runner.query(`
      CREATE TABLE service_requests (
        id text COLLATE "C" NOT NULL,
        fingerprint text COLLATE "C" NOT NULL,
        status integer,
        body jsonb,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT service_requests_id PRIMARY KEY (id)
      )`);
    await runner.query('CREATE INDEX service_requests_age ON service_requests (created_at)');
    await runner.query(`
      CREATE TABLE webhook_endpoints (
        id text COLLATE "C" NOT NULL,
        url text NOT NULL,
        secrets text[] NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        removed_at timestamptz,
        CONSTRAINT webhook_endpoints_id PRIMARY KEY (id)
      )`);
    await runner.query(`
      CREATE TABLE webhook_deliveries (
        id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        event jsonb NOT NULL,
        state text NOT NULL DEFAULT 'pending',
        attempts integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        next_at timestamptz NOT NULL DEFAULT now(),
        last_failure text,
        done_at timestamptz,
        CONSTRAINT webhook_deliveries_id PRIMARY KEY (id),
        CONSTRAINT webhook_deliveries_endpoint FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints (id),
        CONSTRAINT webhook_deliveries_state CHECK (state IN ('pending', 'delivered', 'parked'))
      )`);
    await runner.query(
      "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, next_at) WHERE state = 'pending'",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [
      'webhook_deliveries',
      'webhook_endpoints',
      'service_requests',
      'provider_events',
      'refunds',
      'payments',
      'order_events',
    ]) {
      await runner.query(`DROP TABLE ${table}`);
    }
    await runner.query(
      'ALTER TABLE sales DROP COLUMN retention_ms, DROP COLUMN forgotten_at, DROP COLUMN refusals',
    );
    await runner.query('DROP INDEX orders_untold');
    await runner.query('DROP INDEX orders_held');
    await runner.query(`
      CREATE INDEX orders_with_state_written_out ON orders (sale_id, product_id, epoch, sequence)
        WHERE state <> 'confirmed'`);
    await runner.query(`
      ALTER TABLE orders
        DROP CONSTRAINT orders_cancel, DROP CONSTRAINT orders_hold, DROP CONSTRAINT orders_gate_units,
        DROP COLUMN cancel_epoch, DROP COLUMN cancel_sequence, DROP COLUMN history,
        DROP COLUMN gate_epoch, DROP COLUMN gate_units`);
  }
}
