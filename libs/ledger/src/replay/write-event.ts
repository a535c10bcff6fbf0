import { itemName, type ItemRef, type LedgerEvent, type OrderRun, type RowImages } from '@flux/contracts';
import type { EntityManager, EntityTarget, ObjectLiteral } from 'typeorm';
import { noteIntents, writeOrders } from '../batch-writes';
import { ItemEntity } from '../entities/item.entity';
import { LedgerEntity } from '../entities/ledger.entity';
import { ParkedMessageEntity } from '../entities/parked-message.entity';
import { PaymentEntity } from '../entities/payment.entity';
import { RefundEntity } from '../entities/refund.entity';
import { SaleEntity } from '../entities/sale.entity';
import { StockChangeEntity } from '../entities/stock-change.entity';
import { writeChanges, type RowChange } from '../order-change';
import { textArray } from '../sql-array';
import { decidedOfRun, type RunOfNewRows } from '../stored-runs';

/**
 * Writes what one transaction of the lost database wrote, with the statements that wrote it there. The caller holds the
 * item's ledger row, where there is one, which is at the version before.
 */
export async function writeEvent(manager: EntityManager, event: LedgerEvent): Promise<void> {
  const { ledger, rows = {} } = event;
  await upsert(manager, SaleEntity, rows.sales, 'sales.version < EXCLUDED.version');
  await upsert(manager, ItemEntity, rows.items);
  await upsert(manager, LedgerEntity, [ledger]);
  await writeRuns(manager, event);
  await writeMoney(manager, event);
  if (rows.parked_messages !== undefined) await writeParkedMessages(manager, rows.parked_messages);
}

async function writeRuns(manager: EntityManager, event: LedgerEvent): Promise<void> {
  const { runs, intents, renamed } = event;
  for (const sameTime of byTime(runs)) {
    const [first] = sameTime;
    const holdMs = sameTime.map(({ holdUntilMs, atMs }) => (holdUntilMs ?? atMs) - atMs);
    await writeOrders(
      manager,
      sameTime.flatMap((run) => decidedOf(event, run)),
      { nowMs: first?.atMs ?? 0, holdMsOf: () => Math.max(...holdMs) },
    );
  }
  // After the new rows, as in the transaction.
  await writeChanges(
    manager,
    runs.flatMap((run) => changesOf(event, run)),
  );
  if (intents !== undefined) await noteIntents(manager, intentsOf(event, intents));
  if (renamed !== undefined) await rename(manager, event, renamed);
}

async function writeMoney(manager: EntityManager, { rows = {}, removedStockChanges }: LedgerEvent) {
  await upsert(manager, PaymentEntity, rows.payments);
  await upsert(manager, RefundEntity, rows.refunds);
  await upsert(manager, StockChangeEntity, rows.stock_changes);
  if (removedStockChanges !== undefined) await manager.delete(StockChangeEntity, [...removedStockChanges]);
}

/** The new orders of one transaction have one time. */
function byTime(runs: readonly OrderRun[]): readonly OrderRun[][] {
  const times = new Map<number, OrderRun[]>();
  for (const run of runs) {
    if (run.kind === 'changed') continue;
    times.set(run.atMs, [...(times.get(run.atMs) ?? []), run]);
  }
  return [...times.values()];
}

function decidedOf(item: ItemRef, run: OrderRun) {
  if (run.kind === 'changed') return [];
  const { state, atMs, holdUntilMs, reason, paymentId, orders, kind, epoch, firstSequence } = run;
  const row: RunOfNewRows = [kind, epoch, firstSequence];
  return decidedOfRun(item, [state, atMs, holdUntilMs, reason, paymentId, orders, row], row);
}

function changesOf(item: ItemRef, run: OrderRun): RowChange[] {
  if (run.kind !== 'changed') return [];
  const name = itemName(item);
  return run.orders.split('\n').map((line) => {
    const [key = '', , , gateUnits, epoch, sequence] = line.split(' ');
    return {
      orderId: `${name}.${key}`,
      state: run.state as RowChange['state'],
      reason: run.reason ?? undefined,
      atMs: run.atMs,
      holdUntilMs: run.holdUntilMs ?? undefined,
      gateEpoch: run.gateEpoch,
      gateUnits: Number(gateUnits),
      intent: sequence === undefined ? undefined : { epoch: Number(epoch), sequence: Number(sequence) },
    };
  });
}

function intentsOf(item: ItemRef, lines: string) {
  const name = itemName(item);
  return lines.split('\n').map((line) => {
    const [key = '', epoch, sequence] = line.split(' ');
    return { orderId: `${name}.${key}`, epoch: Number(epoch), sequence: Number(sequence) };
  });
}

async function rename(manager: EntityManager, item: ItemRef, lines: string): Promise<void> {
  const name = itemName(item);
  const named = lines.split('\n').map((line) => line.split(' '));
  await manager.query(
    `UPDATE orders SET shopper_id = named.shopper_id, pass_id = NULL
     FROM unnest($1::text[], $2::text[]) AS named (order_id, shopper_id)
     WHERE orders.order_id = named.order_id`,
    [
      textArray(named.map(([key = '']) => `${name}.${key}`)),
      textArray(named.map(([, shopperId]) => shopperId)),
    ],
  );
}

/**
 * Writes rows as they were; where there is such a row, only if `condition` allows. Columns that an image of an earlier
 * release lacks stay as they are, or get their defaults.
 */
async function upsert(
  manager: EntityManager,
  entity: EntityTarget<ObjectLiteral>,
  images: readonly object[] = [],
  condition?: string,
): Promise<void> {
  if (images.length === 0) return;
  const { tableName, columns, primaryColumns } = manager.dataSource.getMetadata(entity);
  const names = columns
    .map(({ databaseName }) => databaseName)
    .filter((name) => images.every((image) => name in image));
  const keys = primaryColumns.map(({ databaseName }) => databaseName);
  await manager.query(
    `INSERT INTO ${tableName} (${names.join(', ')})
     SELECT ${names.join(', ')} FROM jsonb_populate_recordset(NULL::${tableName}, $1::jsonb)
     ON CONFLICT (${keys.join(', ')}) DO UPDATE SET
       ${names.map((name) => `${name} = EXCLUDED.${name}`).join(', ')}
     ${condition === undefined ? '' : `WHERE ${condition}`}`,
    [JSON.stringify(images)],
  );
}

/** With their ids; key, body and headers come back from the topic in which the message lies. */
async function writeParkedMessages(
  manager: EntityManager,
  images: NonNullable<RowImages['parked_messages']>,
): Promise<void> {
  const { columns } = manager.dataSource.getMetadata(ParkedMessageEntity);
  const inTopic = ['key', 'value', 'headers'];
  const names = columns.map(({ databaseName }) => databaseName).filter((name) => !inTopic.includes(name));
  await manager.query(
    `INSERT INTO parked_messages (${names.join(', ')}, headers) OVERRIDING SYSTEM VALUE
     SELECT ${names.join(', ')}, headers FROM jsonb_populate_recordset(NULL::parked_messages, $1::jsonb)
     ON CONFLICT (id) DO UPDATE SET
       ${names
         .filter((name) => name !== 'id')
         .map((name) => `${name} = EXCLUDED.${name}`)
         .join(', ')}`,
    [JSON.stringify(images)],
  );
  await manager.query(
    `SELECT setval(pg_get_serial_sequence('parked_messages', 'id'), max(id)) FROM parked_messages`,
  );
}
