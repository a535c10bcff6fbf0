import type { ItemRef, LedgerEvent, OrderStatusEvent } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, IsNull, type EntityManager } from 'typeorm';
import { OrderEventEntity } from './entities/order-event.entity';
import { WebhookEndpointEntity } from './entities/webhook.entity';
import { ledgerEventsOf } from './ledger-event-of';
import { eventsOfRuns } from './order-events';

/** Each delivers in its order, and resolves when nothing can get lost any more; rejects where something may. */
export interface EventSends {
  /** What shoppers and the shop read. */
  readonly statuses: (events: readonly OrderStatusEvent[]) => Promise<void>;
  /** What a lost database is written from. */
  readonly ledger: (events: readonly LedgerEvent[]) => Promise<void>;
}

export interface Published {
  /** Order events. */
  readonly events: number;
  /** There may be more. */
  readonly more: boolean;
}

/** Rows for one send: what expiry writes has up to FLUX_EXPIRY_BATCH events each. */
const ROWS_PER_SEND = 16;
/** Rows that the ledger's events may be ahead of the order events: their ids are remembered. */
const MOST_AHEAD = 10_000;

/** What the ledger has committed and nobody has published yet. */
@Injectable()
export class OrderEventQueue {
  /** Ids of rows that still wait here and whose ledger events are sent. Forgotten by a crash: they are sent again. */
  private readonly ahead = new Set<string>();

  constructor(private readonly dataSource: DataSource) {}

  /**
   * Sends the oldest rows to both topics, then takes them out of the queue and puts their order events on their way to
   * every webhook endpoint, in one transaction. A crash between the two sends them again, with the same ids and
   * versions. One process at a time keeps the order; two would only send duplicates.
   * @throws what a send throws, and where PostgreSQL fails: nothing has left the queue then
   */
  async publish(send: EventSends): Promise<Published> {
    const rows = await this.oldest(ROWS_PER_SEND);
    if (rows.length === 0) return { events: 0, more: false };
    const events = rows.flatMap(eventsOf);
    const sends = await Promise.allSettled([this.sendLedger(rows, send.ledger), send.statuses(events)]);
    for (const sent of sends) if (sent.status === 'rejected') throw sent.reason;
    await this.dataSource.transaction((manager) => take(manager, rows));
    for (const { id } of rows) this.ahead.delete(id);
    return { events: events.length, more: rows.length === ROWS_PER_SEND };
  }

  /**
   * Sends the oldest ledger events that were not sent, and leaves everything in the queue for `publish`.
   * @returns whether there may be more
   * @throws as `publish`
   */
  async publishLedger(send: EventSends['ledger']): Promise<{ readonly more: boolean }> {
    if (this.ahead.size >= MOST_AHEAD) return { more: false };
    const rows = await this.dataSource
      .getRepository(OrderEventEntity)
      .createQueryBuilder('row')
      .where('row.id <> ALL (:ahead::bigint[])', { ahead: [...this.ahead] })
      .orderBy('row.id')
      .limit(ROWS_PER_SEND)
      .getMany();
    await this.sendLedger(rows, send);
    return { more: rows.length === ROWS_PER_SEND };
  }

  /** When the oldest order event in the queue was committed; undefined while there is none. */
  async oldestAtMs(): Promise<number | undefined> {
    const [row]: { readonly at_ms: string | null }[] = await this.dataSource.query(
      `SELECT events -> 0 ->> 1 AS at_ms FROM order_events WHERE json_array_length(events) > 0 ORDER BY id LIMIT 1`,
    );
    const atMs = row?.at_ms;
    return atMs === undefined || atMs === null ? undefined : Number(atMs);
  }

  /** Whether all that the ledger has committed of an item has been published. */
  async isPublished({ saleId, productId }: ItemRef): Promise<boolean> {
    return !(await this.dataSource.getRepository(OrderEventEntity).existsBy({ saleId, productId }));
  }

  private async sendLedger(rows: readonly OrderEventEntity[], send: EventSends['ledger']): Promise<void> {
    const unsent = rows.filter(({ id }) => !this.ahead.has(id));
    const events = unsent.flatMap((row) => ledgerEventsOf(row));
    if (events.length > 0) await send(events);
    for (const { id } of unsent) this.ahead.add(id);
  }

  private async oldest(rows: number): Promise<readonly OrderEventEntity[]> {
    return this.dataSource.getRepository(OrderEventEntity).find({ order: { id: 'ASC' }, take: rows });
  }
}

async function take(manager: EntityManager, rows: readonly OrderEventEntity[]): Promise<void> {
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
}

function eventsOf(row: OrderEventEntity): OrderStatusEvent[] {
  return eventsOfRuns(row, row.events);
}
