import type { SaleForgetting } from '@flux/ledger';
import type { DataSource } from 'typeorm';
import { recordAudit } from './audit-log/audit-log.repository';

/** Says in the audit log that shoppers of a sale were forgotten; never whom. */
export async function noteForgetting(
  database: DataSource,
  actor: string,
  sale: SaleForgetting,
): Promise<void> {
  if (sale.outcome !== 'forgotten') return;
  const { saleId: subject, shoppers, orders } = sale;
  const record = { actor, action: 'sale.forget', subject, before: null, after: { shoppers, orders } };
  await recordAudit(database.manager, record);
}
