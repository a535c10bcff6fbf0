import type { OrderStatusEvent } from '@flux/contracts';
import { WebhookDeliveryEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource, LessThan } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';

/** One attempt at a delivery. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly event: OrderStatusEvent;
  /** This one included. */
  readonly attempts: number;
}

/** A claim is one process's for this long; far above the longest round of sends. After a crash it is free again. */
const CLAIM_SECONDS = 120;
/** Since the delivery was made, or an operator asked for it again. */
const PARKED_AFTER_HOURS = 24;
const DELIVERED_KEPT_DAYS = 7;
const PARKED_KEPT_DAYS = 30;
const DELETED_AT_ONCE = 5_000;

/** What is on its way to the endpoints. Each method is one short statement: no transaction waits for a send. */
@Injectable()
export class Deliveries {
  constructor(private readonly dataSource: DataSource) {}

  /** The endpoints that have something due. */
  async dueEndpoints(): Promise<readonly string[]> {
    const rows: { readonly id: string }[] = await this.dataSource.query(
      `SELECT id FROM webhook_endpoints WHERE removed_at IS NULL AND EXISTS (
         SELECT FROM webhook_deliveries
         WHERE endpoint_id = webhook_endpoints.id AND state = 'pending' AND next_at <= now()
       )`,
    );
    return rows.map(({ id }) => id);
  }

  /** Takes what is due for one endpoint, so that no other process sends it meanwhile. */
  async claim(endpointId: string, limit: number): Promise<readonly ClaimedDelivery[]> {
    const [rows]: [ClaimedDelivery[], number] = await this.dataSource.query(
      `UPDATE webhook_deliveries
       SET attempts = attempts + 1, next_at = now() + $3 * interval '1 second'
       WHERE id IN (
         SELECT id FROM webhook_deliveries
         WHERE endpoint_id = $1 AND state = 'pending' AND next_at <= now()
         ORDER BY next_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
       )
       RETURNING id, event, attempts`,
      [endpointId, limit, CLAIM_SECONDS],
    );
    return rows;
  }

  /** Gives claims back that were not used. */
  async unclaim(ids: readonly string[]): Promise<void> {
    await this.dataSource.query(
      `UPDATE webhook_deliveries SET attempts = attempts - 1, next_at = now()
       WHERE id = ANY ($1::bigint[]) AND state = 'pending'`,
      [ids],
    );
  }

  async delivered(id: string): Promise<void> {
    await this.dataSource.query(
      `UPDATE webhook_deliveries SET state = 'delivered', done_at = now(), last_failure = NULL
       WHERE id = $1 AND state = 'pending'`,
      [id],
    );
  }

  /**
   * Notes why an attempt failed and when the next one is due; a delivery that is a day old is parked.
   * @returns whether it was parked
   */
  async failed(
    id: string,
    { failure, pauseMs }: { readonly failure: string; readonly pauseMs: number },
  ): Promise<boolean> {
    const [rows]: [{ readonly state: string }[], number] = await this.dataSource.query(
      `UPDATE webhook_deliveries
       SET last_failure = $2, next_at = now() + $3 * interval '1 millisecond',
           state = CASE WHEN created_at <= now() - $4 * interval '1 hour' THEN 'parked' ELSE state END
       WHERE id = $1 AND state = 'pending' RETURNING state`,
      [id, failure, pauseMs, PARKED_AFTER_HOURS],
    );
    return rows[0]?.state === 'parked';
  }

  /** The parked ones of an endpoint, newest first; `after` is the id of the last one of the page before. */
  async parked(
    endpointId: string,
    { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<readonly WebhookDeliveryEntity[]> {
    return this.dataSource.manager.find(WebhookDeliveryEntity, {
      where: { endpointId, state: 'parked', ...(after === undefined ? {} : { id: LessThan(after) }) },
      order: { id: 'DESC' },
      take: limit,
    });
  }

  /**
   * Makes a parked delivery due, with another day for it; audited. One that is not parked stays as it is.
   * @returns undefined where the endpoint has no such delivery
   */
  async retry(
    actor: string,
    { endpointId, deliveryId: id }: { readonly endpointId: string; readonly deliveryId: string },
  ): Promise<WebhookDeliveryEntity | undefined> {
    return this.dataSource.transaction(async (manager) => {
      const [rows]: [{ readonly id: string }[], number] = await manager.query(
        `UPDATE webhook_deliveries SET state = 'pending', created_at = now(), next_at = now(), attempts = 0
         WHERE id = $1 AND endpoint_id = $2 AND state = 'parked' RETURNING id`,
        [id, endpointId],
      );
      if (rows.length > 0) {
        const change = {
          before: { deliveryId: id, state: 'parked' },
          after: { deliveryId: id, state: 'pending' },
        };
        await recordAudit(manager, { actor, action: 'webhook.retry', subject: endpointId, ...change });
      }
      return (await manager.findOneBy(WebhookDeliveryEntity, { id, endpointId })) ?? undefined;
    });
  }

  /** Removes what nobody needs any more: the delivered, the long parked, and what was for removed endpoints. */
  async prune(): Promise<void> {
    for (const condition of [
      `state = 'delivered' AND done_at < now() - interval '${DELIVERED_KEPT_DAYS} days'`,
      `state = 'parked' AND next_at < now() - interval '${PARKED_KEPT_DAYS} days'`,
      "state <> 'delivered' AND endpoint_id IN (SELECT id FROM webhook_endpoints WHERE removed_at IS NOT NULL)",
    ]) {
      let deleted = DELETED_AT_ONCE;
      while (deleted === DELETED_AT_ONCE) deleted = await this.deleteSome(condition);
    }
  }

  private async deleteSome(condition: string): Promise<number> {
    const [, deleted]: [unknown, number] = await this.dataSource.query(
      `DELETE FROM webhook_deliveries WHERE id IN (
         SELECT id FROM webhook_deliveries WHERE ${condition} ORDER BY id LIMIT ${DELETED_AT_ONCE}
       )`,
    );
    return deleted;
  }
}
