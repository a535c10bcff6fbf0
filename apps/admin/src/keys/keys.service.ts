import { hash, randomBytes } from 'node:crypto';
import { ProblemError } from '@flux/contracts';
import { ApiKeyEntity } from '@flux/ledger';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, IsNull } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import type { ApiKey } from './api-keys';
import { ENVIRONMENT_KEYS, Keyring } from './keyring';
import { unrevokedKeys } from './key.repository';
import type { Role } from './roles';

/** Each process keeps them all in memory, and reads them each second. */
export const MAX_KEYS = 1_000;
/** Counting and inserting by one owner at a time. */
const KEYS_LOCK = 7_305_031;

const KEY_BYTES = 32;
/** So that whoever searches files for secrets finds one. */
const PREFIXES = {
  viewer: 'fluxop_',
  operator: 'fluxop_',
  owner: 'fluxop_',
  service: 'fluxsvc_',
} as const satisfies Record<Role, string>;

export interface NewKey {
  readonly name: string;
  readonly role: Role;
  readonly expiresAt?: string | undefined;
}

/** What is known of a key; never the key, nor what it could be found by. */
export interface KeyRecord extends Omit<NewKey, 'expiresAt'> {
  readonly id: string;
  /** null: a key of the environment. */
  readonly created: { readonly by: string; readonly at: Date } | null;
  readonly expiresAt: Date | null;
}

/** The keys of operators and services that owners give out and take back. Every change is audited, without the keys. */
@Injectable()
export class Keys {
  constructor(
    private readonly dataSource: DataSource,
    private readonly keyring: Keyring,
    @Inject(ENVIRONMENT_KEYS) private readonly environment: readonly ApiKey[],
  ) {}

  /** The environment's first, then the oldest first; revoked ones are in the audit log. */
  async list(): Promise<readonly KeyRecord[]> {
    const given = this.environment.map(({ name, role }, index) => ({
      id: environmentId(index),
      name,
      role,
      created: null,
      expiresAt: null,
    }));
    return [...given, ...(await unrevokedKeys(this.dataSource.manager)).map(recordOf)];
  }

  /**
   * @returns the key itself too, which is nowhere after that
   * @throws ProblemError `invalid-request` where there are too many, or it would have expired already
   */
  async create(actor: string, wanted: NewKey): Promise<KeyRecord & { readonly key: string }> {
    const { name, role } = wanted;
    const key = `${PREFIXES[role]}${randomBytes(KEY_BYTES).toString('base64url')}`;
    const created = await this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [KEYS_LOCK]);
      if ((await manager.countBy(ApiKeyEntity, { revokedAt: IsNull() })) >= MAX_KEYS) {
        throw refused('/name', `would be one more than the ${MAX_KEYS} keys that there may be`);
      }
      const id = `key_${randomBytes(12).toString('base64url')}`;
      const expiresAt = wanted.expiresAt === undefined ? null : new Date(wanted.expiresAt);
      const digest = hash('sha256', key, 'hex');
      await manager.insert(ApiKeyEntity, { id, name, role, digest, createdBy: actor, expiresAt });
      await refuseExpired(manager, id);
      const after = { name, role, expiresAt };
      await recordAudit(manager, { actor, action: 'key.create', subject: id, before: null, after });
      return recordOf(await manager.findOneByOrFail(ApiKeyEntity, { id }));
    });
    await this.spread();
    return { ...created, key };
  }

  /**
   * Ends a key. One that was revoked before is left as it is.
   * @throws ProblemError `unknown-key`, or `forbidden` for a key of the environment
   */
  async revoke(actor: string, id: string): Promise<void> {
    if (this.environment.some((_, index) => environmentId(index) === id)) {
      throw new ProblemError(
        'forbidden',
        'This key is one of the environment: take it out of FLUX_OPERATOR_KEYS or FLUX_SERVICE_KEYS.',
      );
    }
    await this.dataSource.transaction(async (manager) => {
      const key = await manager.findOne(ApiKeyEntity, {
        where: { id },
        lock: { mode: 'for_no_key_update' },
      });
      if (key === null) throw new ProblemError('unknown-key', 'No key has this id.');
      if (key.revokedAt !== null) return;
      await manager.query('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [id]);
      const { name, role, expiresAt } = key;
      const change = { before: { name, role, expiresAt }, after: { revoked: true } };
      await recordAudit(manager, { actor, action: 'key.revoke', subject: id, ...change });
    });
    await this.spread();
  }

  /** Here at once; the other processes read it within a second or two. */
  private async spread(): Promise<void> {
    // It is committed: where PostgreSQL is gone now, the next round reads it.
    await this.keyring.refresh().catch(() => undefined);
  }
}

/** No id of a stored key looks like it. The same on every process that has the same environment. */
function environmentId(index: number): string {
  return `environment-${index + 1}`;
}

function recordOf({ id, name, role, createdBy, createdAt, expiresAt }: ApiKeyEntity): KeyRecord {
  return { id, name, role, created: { by: createdBy, at: createdAt }, expiresAt };
}

async function refuseExpired(manager: EntityManager, id: string): Promise<void> {
  const rows: unknown[] = await manager.query('SELECT FROM api_keys WHERE id = $1 AND expires_at <= now()', [
    id,
  ]);
  if (rows.length > 0) throw refused('/expiresAt', 'must be in the future');
}

function refused(pointer: string, detail: string): ProblemError {
  return new ProblemError('invalid-request', 'No key was made.', { errors: [{ pointer, detail }] });
}
