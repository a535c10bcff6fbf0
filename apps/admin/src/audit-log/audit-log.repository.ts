import { AuditLogEntity } from '@flux/ledger';
import { type EntityManager, LessThan } from 'typeorm';

export interface AuditRecord {
  /** Name of the operator's key, or `system`. */
  readonly actor: string;
  /** `sale.open`, `stock.change`, ... */
  readonly action: string;
  /** A sale's id, `<saleId>.<productId>`, `parked.<message id>`. */
  readonly subject: string;
  /** null where there was nothing. */
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>>;
}

/** In the transaction that makes the change, so that neither exists without the other. */
export async function recordAudit(manager: EntityManager, record: AuditRecord): Promise<void> {
  await manager.query(
    'INSERT INTO audit_log (actor, action, subject, before, after) VALUES ($1, $2, $3, $4, $5)',
    [
      record.actor,
      record.action,
      record.subject,
      record.before === null ? null : JSON.stringify(record.before),
      JSON.stringify(record.after),
    ],
  );
}

/** Newest first; `after` is the id of the last one of the page before. */
export async function listAudit(
  manager: EntityManager,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly AuditLogEntity[]> {
  return manager.find(AuditLogEntity, {
    where: after === undefined ? {} : { id: LessThan(after) },
    order: { id: 'DESC' },
    take: limit,
  });
}
