import type { DataSource } from 'typeorm';

/** The provider took a refund upon itself and did not bring it about: it is due again, for a person to see. */
export async function reopenRefund(dataSource: DataSource, paymentId: string): Promise<void> {
  await dataSource.query(
    "UPDATE refunds SET state = 'due', done_at = NULL WHERE payment_id = $1 AND state = 'done'",
    [paymentId],
  );
}
