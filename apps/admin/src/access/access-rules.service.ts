import { type AccessRule, ProblemError } from '@flux/contracts';
import { GateUnavailableError } from '@flux/gate';
import { AccessRuleEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { AccessPublisher } from './access-publisher';
import { auditedRule, listRules, removeExpired } from './access-rule.repository';

/** Every gateway keeps them all in memory, about 200 bytes each. */
export const MAX_RULES = 10_000;
/** Counting and writing by one owner at a time. */
const RULES_LOCK = 7_305_032;

/** A rule with why it is there, and until when. */
export type NewAccessRule = AccessRule & {
  readonly reason: string;
  readonly expiresAt?: string | undefined;
};

interface PutRule {
  readonly outcome: 'created' | 'known';
  readonly rule: AccessRuleEntity;
}

/** Whom owners deny or allow. PostgreSQL first, then Redis; maintenance completes what is cut. Every change is audited. */
@Injectable()
export class AccessRules {
  constructor(
    private readonly dataSource: DataSource,
    private readonly publisher: AccessPublisher,
  ) {}

  /** Newest first. */
  async list(page: {
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<readonly AccessRuleEntity[]> {
    return listRules(this.dataSource.manager, page);
  }

  /**
   * Writes a rule. Of one that is there already it changes reason and end, and nothing where they are the same, so a
   * repeat after a 503 completes it.
   * @throws ProblemError `invalid-request` where there are too many or it would be over already, or 503 where PostgreSQL
   *   has it and Redis does not answer
   */
  async put(actor: string, wanted: NewAccessRule): Promise<PutRule> {
    const put = await this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [RULES_LOCK]);
      await removeExpired(manager);
      await refuseExpired(manager, wanted.expiresAt);
      const { list, kind, value } = wanted;
      const known = await manager.findOneBy(AccessRuleEntity, { list, kind, value });
      return known === null
        ? { outcome: 'created' as const, rule: await create(manager, actor, wanted) }
        : { outcome: 'known' as const, rule: await change(manager, { actor, known, wanted }) };
    });
    await this.follow();
    return put;
  }

  /** @throws ProblemError `unknown-rule`, also where it was removed before, or 503 as `put` */
  async remove(actor: string, id: string): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [RULES_LOCK]);
      const rule = await manager.findOneBy(AccessRuleEntity, { id });
      if (rule === null) throw new ProblemError('unknown-rule', 'No rule has this id.');
      await manager.delete(AccessRuleEntity, { id });
      const record = { before: auditedRule(rule), after: { removed: true } };
      await recordAudit(manager, { actor, action: 'access-rule.remove', subject: id, ...record });
    });
    await this.follow();
  }

  private async follow(): Promise<void> {
    try {
      await this.publisher.publish();
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      throw new ProblemError(
        'temporarily-unavailable',
        'The change is stored, and gateways follow as soon as Redis answers.',
      );
    }
  }
}

async function create(
  manager: EntityManager,
  actor: string,
  { list, kind, value, reason, expiresAt }: NewAccessRule,
): Promise<AccessRuleEntity> {
  if ((await manager.count(AccessRuleEntity)) >= MAX_RULES) {
    throw refused('/value', `would be one more than the ${MAX_RULES} rules that there may be`);
  }
  const row = { list, kind, value, reason, createdBy: actor, expiresAt: dateOf(expiresAt) };
  await manager.insert(AccessRuleEntity, row);
  const rule = await manager.findOneByOrFail(AccessRuleEntity, { list, kind, value });
  const record = { before: null, after: auditedRule(rule) };
  await recordAudit(manager, { actor, action: 'access-rule.create', subject: rule.id, ...record });
  return rule;
}

async function change(
  manager: EntityManager,
  {
    actor,
    known,
    wanted,
  }: { readonly actor: string; readonly known: AccessRuleEntity; readonly wanted: NewAccessRule },
): Promise<AccessRuleEntity> {
  const next = { reason: wanted.reason, expiresAt: dateOf(wanted.expiresAt) };
  if (known.reason === next.reason && known.expiresAt?.getTime() === next.expiresAt?.getTime()) return known;
  await manager.update(AccessRuleEntity, { id: known.id }, next);
  const rule = await manager.findOneByOrFail(AccessRuleEntity, { id: known.id });
  const record = { before: auditedRule(known), after: auditedRule(rule) };
  await recordAudit(manager, { actor, action: 'access-rule.change', subject: rule.id, ...record });
  return rule;
}

async function refuseExpired(manager: EntityManager, expiresAt: string | undefined): Promise<void> {
  if (expiresAt === undefined) return;
  const [row]: { readonly over: boolean }[] = await manager.query('SELECT $1::timestamptz <= now() AS over', [
    expiresAt,
  ]);
  if (row?.over === true) throw refused('/expiresAt', 'must be in the future');
}

function dateOf(text: string | undefined): Date | null {
  return text === undefined ? null : new Date(text);
}

function refused(pointer: string, detail: string): ProblemError {
  return new ProblemError('invalid-request', 'No rule was written.', { errors: [{ pointer, detail }] });
}
