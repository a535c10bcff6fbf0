import { Client } from 'pg';

/** The truth as PostgreSQL has it, read on a connection of the test's own. */
export class LedgerView {
  private constructor(private readonly client: Client) {}

  static async connect(url: string): Promise<LedgerView> {
    const client = new Client({ connectionString: url });
    await client.connect();
    return new LedgerView(client);
  }

  /** Of the orders in one of these states; confirmed ones, unless told otherwise. */
  async orderIds(saleId: string, ...states: readonly string[]): Promise<string[]> {
    const { rows } = await this.client.query<{ order_id: string }>(
      'SELECT order_id FROM orders WHERE sale_id = $1 AND state = ANY ($2) ORDER BY order_id',
      [saleId, states.length === 0 ? ['confirmed'] : states],
    );
    return rows.map((row) => row.order_id);
  }

  /** Every column of these orders, as text. */
  async rowsOf(orderIds: readonly string[]): Promise<string[]> {
    const { rows } = await this.client.query<{ row: string }>(
      'SELECT o::text AS row FROM orders o WHERE order_id = ANY ($1) ORDER BY order_id',
      [orderIds],
    );
    return rows.map(({ row }) => row);
  }

  /** As if the holds of a sale had begun long ago. */
  async endHolds(saleId: string): Promise<void> {
    await this.client.query(
      "UPDATE orders SET hold_until = now() - interval '1 second' WHERE sale_id = $1 AND state = 'confirmed'",
      [saleId],
    );
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
