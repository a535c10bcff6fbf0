import type { OrderStatusEvent } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, IsNull } from 'typeorm';
import { OrderEventEntity } from './entities/order-event.entity';
import { WebhookEndpointEntity } from './entities/webhook.entity';
import { eventsOfRuns } from './order-events';

/** Delivers events in their order, and resolves when they cannot get lost any more; rejects where they may. */
export type SendEvents = (events: readonly OrderStatusEvent[]) => Promise<void>;

/** Rows for one send: what expiry writes has up to FLUX_EXPIRY_BATCH events each. */
const ROWS_PER_SEND = 16;

/** What the ledger has committed and nobody has published yet. */
@Injectable()
export class OrderEventQueue {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Sends the oldest events, then takes them out of the queue and puts them on their way to every webhook endpoint, in
   * one transaction. A crash between the two sends them again, with the same ids. One process at a time keeps the
   * order; two would only send duplicates.
   * @returns how many events were published, and whether there may be more
   * @throws what `send` throws, and where PostgreSQL fails: nothing has left the queue then
   */
  async publish(send: SendEvents): Promise<{ readonly events: number; readonly more: boolean }> {
    const rows = await this.oldest(ROWS_PER_SEND);
    if (rows.length === 0) return { events: 0, more: false };
    const events = rows.flatMap(eventsOf);
    await send(events);
    await this.dataSource.transaction(async (manager) => {
      const [taken]: [{ readonly id: string }[], number] = await manager.query(
        'DELETE FROM order_events WHERE id = ANY ($1::bigint[]) RETURNING id',
        [rows.map(({ id }) => id)],
      );
      const endpoints = await manager.countBy(WebhookEndpointEntity, { removedAt: IsNull() });
      if (endpoints === 0) return;
      // What another publisher took is on its way already.
      const mine = new Set(taken.map(({ id }) => id));
      await manager.query(
        `INSERT INTO webhook_deliveries (endpoint_id, event)
         SELECT endpoint.id, event
         FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS listed (event, place),
              webhook_endpoints AS endpoint
         WHERE endpoint.removed_at IS NULL
         ORDER BY place`,
        [JSON.stringify(rows.filter(({ id }) => mine.has(id)).flatMap(eventsOf))],
      );
    });
    return { events: events.length, more: rows.length === ROWS_PER_SEND };
  }

  /** When the oldest event in the queue was committed; undefined while the queue is empty. */
  async oldestAtMs(): Promise<number | undefined> {
    const [row] = await this.oldest(1);
    const [run] = row?.events ?? [];
    const [, atMs] = run ?? [];
    return atMs;
  }

  private async oldest(rows: number): Promise<readonly OrderEventEntity[]> {
    return this.dataSource.getRepository(OrderEventEntity).find({ order: { id: 'ASC' }, take: rows });
  }
}

function eventsOf(row: OrderEventEntity): OrderStatusEvent[] {
  return eventsOfRuns(row, row.events);
}
