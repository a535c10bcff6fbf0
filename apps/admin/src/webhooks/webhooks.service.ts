import { randomBytes } from 'node:crypto';
import { ProblemError } from '@flux/contracts';
import { WebhookEndpointEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, IsNull } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { EgressPolicy } from './egress-policy';
import { newSecret, rotated } from './webhook-secret';

/** Every event goes to each of them, and each may take a few connections of its own. */
export const MAX_ENDPOINTS = 20;
/** Counting and inserting by one operator at a time. */
const ENDPOINTS_LOCK = 7_305_021;

/** The endpoints of the shop that hear of its orders. Every change is audited, without the secrets. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly dataSource: DataSource,
    private readonly policy: EgressPolicy,
  ) {}

  /** The oldest first. */
  async list(): Promise<readonly WebhookEndpointEntity[]> {
    return this.dataSource.manager.find(WebhookEndpointEntity, {
      where: { removedAt: IsNull() },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
  }

  /** @throws ProblemError `invalid-request` where the address may not be called, or there are too many */
  async create(actor: string, url: string): Promise<WebhookEndpointEntity> {
    const check = await this.policy.check(url);
    if (check.outcome === 'refused') throw refusedUrl(check.reason);
    const { href } = check.target.url;
    const endpoint = { id: `wh_${randomBytes(12).toString('base64url')}`, url: href, secrets: [newSecret()] };
    return this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock($1)', [ENDPOINTS_LOCK]);
      if ((await manager.countBy(WebhookEndpointEntity, { removedAt: IsNull() })) >= MAX_ENDPOINTS) {
        throw refusedUrl(`would be one more than the ${MAX_ENDPOINTS} endpoints that there may be`);
      }
      await manager.insert(WebhookEndpointEntity, endpoint);
      const after = { url: href };
      await recordAudit(manager, {
        actor,
        action: 'webhook.create',
        subject: endpoint.id,
        before: null,
        after,
      });
      return endpointIn(manager, endpoint.id);
    });
  }

  /** @throws ProblemError `unknown-webhook` */
  async remove(actor: string, id: string): Promise<void> {
    await this.dataSource.transaction((manager) => removeEndpoint(manager, { id, actor, reason: 'removed' }));
  }

  /**
   * Gives the endpoint a new secret; the one before it signs too until the next rotation.
   * @throws ProblemError `unknown-webhook`
   */
  async rotateSecret(actor: string, id: string): Promise<WebhookEndpointEntity> {
    return this.dataSource.transaction(async (manager) => {
      const { url, secrets } = await endpointIn(manager, id);
      const next = rotated(secrets, newSecret());
      await manager.update(WebhookEndpointEntity, { id }, { secrets: next });
      const change = { before: { url, secrets: secrets.length }, after: { url, secrets: next.length } };
      await recordAudit(manager, { actor, action: 'webhook.rotate', subject: id, ...change });
      return endpointIn(manager, id);
    });
  }

  /** @throws ProblemError `unknown-webhook` */
  async find(id: string): Promise<WebhookEndpointEntity> {
    return endpointIn(this.dataSource.manager, id, 'read');
  }
}

/**
 * Ends the endpoint; what was on its way to it is not sent any more.
 * @throws ProblemError `unknown-webhook`
 */
export async function removeEndpoint(
  manager: EntityManager,
  { id, actor, reason }: { readonly id: string; readonly actor: string; readonly reason: string },
): Promise<void> {
  const { url } = await endpointIn(manager, id);
  await manager.query('UPDATE webhook_endpoints SET removed_at = now() WHERE id = $1', [id]);
  const change = { before: { url }, after: { reason } };
  await recordAudit(manager, { actor, action: 'webhook.remove', subject: id, ...change });
}

async function endpointIn(
  manager: EntityManager,
  id: string,
  use: 'read' | 'change' = 'change',
): Promise<WebhookEndpointEntity> {
  const endpoint = await manager.findOne(WebhookEndpointEntity, {
    where: { id, removedAt: IsNull() },
    ...(use === 'change' ? { lock: { mode: 'for_no_key_update' } } : {}),
  });
  if (endpoint === null) throw new ProblemError('unknown-webhook', 'No webhook endpoint has this id.');
  return endpoint;
}

function refusedUrl(reason: string): ProblemError {
  return new ProblemError('invalid-request', 'The address cannot be a webhook endpoint.', {
    errors: [{ pointer: '/url', detail: reason }],
  });
}
