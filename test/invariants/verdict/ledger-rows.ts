import type { DataSource } from 'typeorm';

export interface OrderRow {
  readonly state: string;
  readonly acceptedAtMs: number;
}

export interface PaymentRow {
  readonly state: string;
  readonly refunds: number;
}

/** What PostgreSQL has in the end. */
export interface LedgerRows {
  readonly orders: ReadonlyMap<string, OrderRow>;
  readonly payments: ReadonlyMap<string, PaymentRow>;
}

export async function readLedgerRows(database: DataSource): Promise<LedgerRows> {
  const orders = await database.query<{ order_id: string; state: string; accepted_at_ms: string }[]>(
    'SELECT order_id, state, floor(extract(epoch FROM accepted_at) * 1000) AS accepted_at_ms FROM orders',
  );
  const payments = await database.query<{ payment_id: string; state: string; refunds: string }[]>(
    `SELECT payment_id, state, (SELECT count(*) FROM refunds r WHERE r.payment_id = p.payment_id) AS refunds
       FROM payments p`,
  );
  return {
    orders: new Map(
      orders.map((row) => [row.order_id, { state: row.state, acceptedAtMs: Number(row.accepted_at_ms) }]),
    ),
    payments: new Map(
      payments.map((row) => [row.payment_id, { state: row.state, refunds: Number(row.refunds) }]),
    ),
  };
}
