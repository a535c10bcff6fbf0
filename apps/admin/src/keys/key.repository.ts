import { ApiKeyEntity } from '@flux/ledger';
import { type EntityManager, IsNull } from 'typeorm';
import type { StoredKey } from './stored-keys';

/** The keys that open something now, by PostgreSQL's clock. */
export async function liveKeys(manager: EntityManager): Promise<readonly StoredKey[]> {
  return manager.query<StoredKey[]>(
    `SELECT name, role, digest, (extract(epoch FROM expires_at - now()) * 1000)::float8 AS "expiresInMs"
       FROM api_keys WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())`,
  );
}

/** The keys that nobody revoked, expired ones among them, the oldest first. */
export async function unrevokedKeys(manager: EntityManager): Promise<readonly ApiKeyEntity[]> {
  return manager.find(ApiKeyEntity, {
    where: { revokedAt: IsNull() },
    order: { createdAt: 'ASC', id: 'ASC' },
  });
}
