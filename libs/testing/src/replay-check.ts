import { decodeLedgerEvent, type ItemRef, type LedgerEvent } from '@flux/contracts';
import { ledgerEventsOf, LedgerReplay, noteSale, OrderEventEntity, type LedgerReplayed } from '@flux/ledger';
import type { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from './database';

/** What a replay brings back, and how a row is told from the others. */
const TABLES = {
  sales: 'id',
  items: 'sale_id, product_id',
  ledger: 'sale_id, product_id',
  orders: 'order_id',
  payments: 'payment_id',
  refunds: 'payment_id',
  stock_changes: 'id',
  parked_messages: 'id',
} as const;

/**
 * What a replay does not bring back: whether the gate has been told, in which epoch it was asked for a late payment that
 * is not decided, and what is in the parked messages, which the topic of accepted orders has.
 */
const LEFT_OUT: Readonly<Record<string, string>> = {
  orders: "- 'gate_epoch' - 'gate_units'",
  payments: "- CASE state WHEN 'pending' THEN 'epoch' ELSE '' END",
  parked_messages: "- 'key' - 'value' - 'headers'",
};

/** Every row of the tables that a replay brings back, as text. */
export async function replayableRows(dataSource: DataSource): Promise<Record<string, string[]>> {
  const dump: Record<string, string[]> = {};
  for (const [table, key] of Object.entries(TABLES)) {
    const rows: { readonly row: string }[] = await dataSource.query(
      `SELECT (to_jsonb(t) ${LEFT_OUT[table] ?? ''})::text AS row FROM ${table} AS t ORDER BY ${key}`,
    );
    dump[table] = rows.map(({ row }) => row);
  }
  return dump;
}

/** The messages that will be published of all that is queued, as they come out of Kafka. */
export async function queuedLedgerEvents(dataSource: DataSource): Promise<LedgerEvent[]> {
  const rows = await dataSource.getRepository(OrderEventEntity).find({ order: { id: 'ASC' } });
  return rows.flatMap((row) => ledgerEventsOf(row).map(asPublished));
}

/** @throws where it is not what the schema promises */
export function asPublished(event: LedgerEvent): LedgerEvent {
  const decoded = decodeLedgerEvent(JSON.stringify(event));
  if (decoded.outcome === 'unreadable') throw new Error(decoded.reason);
  return decoded.event;
}

/** Applies events as `npm run replay` does, some at a time. */
export async function replayInto(
  dataSource: DataSource,
  events: readonly LedgerEvent[],
  { atOnce = 7, dryRun = false } = {},
): Promise<LedgerReplayed> {
  const replay = new LedgerReplay(dataSource, { dryRun });
  for (let from = 0; from < events.length; from += atOnce)
    await replay.take(events.slice(from, from + atOnce));
  return replay.result;
}

/** A sale that a test wrote into PostgreSQL by itself is noted as if the product had made it. */
export async function noteCreation(
  dataSource: DataSource,
  { saleId }: Pick<ItemRef, 'saleId'>,
): Promise<void> {
  await dataSource.transaction(async (manager) => {
    await manager.query('UPDATE ledger SET version = 0 WHERE sale_id = $1', [saleId]);
    await noteSale(manager, saleId, { causes: ['created'], written: { sale: true, item: true } });
  });
}

/** In the order of their foreign keys. */
const BACKED_UP = [
  ...Object.keys(TABLES),
  'draws',
  'order_events',
  'audit_log',
  'provider_events',
  'service_requests',
  'webhook_endpoints',
  'webhook_deliveries',
];

/** A database with the same rows, all of one moment, as `pg_dump` and `pg_restore` make it; nobody is held up. */
export async function backUp(dataSource: DataSource): Promise<TestDatabase> {
  const backup = await createDatabase();
  await dataSource.transaction('REPEATABLE READ', async (manager) => {
    for (const table of BACKED_UP) {
      const [row]: { readonly rows: string }[] = await manager.query(
        `SELECT coalesce(jsonb_agg(t), '[]')::text AS rows FROM ${table} AS t`,
      );
      await backup.dataSource.query(
        `INSERT INTO ${table} OVERRIDING SYSTEM VALUE
         SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1::jsonb)`,
        [row?.rows ?? '[]'],
      );
    }
  });
  for (const table of ['parked_messages', 'order_events', 'audit_log', 'webhook_deliveries']) {
    await backup.dataSource.query(
      `SELECT setval(pg_get_serial_sequence('${table}', 'id'), coalesce(max(id), 0) + 1, false) FROM ${table}`,
    );
  }
  return backup;
}
