import type { AccessRule } from '@flux/contracts';
import { AccessRuleEntity } from '@flux/ledger';
import { type EntityManager, LessThan } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { SYSTEM_ACTOR } from '../keys/api-keys';

/** The rules in force by PostgreSQL's clock, always in the same order. */
export async function rulesInForce(manager: EntityManager): Promise<readonly AccessRule[]> {
  return manager.query<AccessRule[]>(
    'SELECT list, kind, value FROM access_rules WHERE expires_at IS NULL OR expires_at > now() ORDER BY id',
  );
}

/** Newest first; `after` is the id of the last one of the page before. */
export async function listRules(
  manager: EntityManager,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly AccessRuleEntity[]> {
  return manager.find(AccessRuleEntity, {
    where: after === undefined ? {} : { id: LessThan(after) },
    order: { id: 'DESC' },
    take: limit,
  });
}

/** Takes the rules away that are in force no longer, each audited. */
export async function removeExpired(manager: EntityManager): Promise<void> {
  const [expired]: [readonly Pick<AccessRuleEntity, 'id' | 'list' | 'kind' | 'value' | 'reason'>[], number] =
    await manager.query(
      'DELETE FROM access_rules WHERE expires_at <= now() RETURNING id, list, kind, value, reason',
    );
  for (const { id, ...before } of expired) {
    const change = { before, after: { expired: true } };
    await recordAudit(manager, { actor: SYSTEM_ACTOR, action: 'access-rule.expire', subject: id, ...change });
  }
}

/** What the audit log says of a rule. */
export function auditedRule({ list, kind, value, reason, expiresAt }: AccessRuleEntity) {
  return { list, kind, value, reason, expiresAt };
}
