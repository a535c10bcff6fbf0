import type { ItemRef, OrdersAccepted, RejectionReason } from '@flux/contracts';
import type { EntityManager } from 'typeorm';
import type { SequenceRange } from './advance-watermark';
import type { DecidedOrder, KnownOrder, LedgerRow } from './decide-batch';
import { toSafeInteger } from './entities/columns';
import { LIVE_STATES, type OrderState } from './entities/order.entity';
import { numberArray, textArray } from './sql-array';

/** The statements of the transactions that change orders. Each takes any number of rows. */

export function itemKeyOf({ saleId, productId }: ItemRef): string {
  return `${saleId}.${productId}`;
}

interface LockedRow {
  readonly sale_id: string;
  readonly product_id: string;
  readonly initial: number;
  readonly held: number;
  readonly sold: number;
  readonly parked: number;
  readonly epoch: number;
  readonly epoch_offset: string | null;
  readonly watermark: string;
  readonly watermark_order_id: string;
  readonly ahead: SequenceRange[];
  readonly suspended_reason: string | null;
  readonly per_shopper_limit: number;
  readonly hold_ms: number;
  readonly now_ms: string;
}

export interface LockedLedger {
  /** By `itemKeyOf`; an item that is not known is absent. */
  readonly rows: ReadonlyMap<string, LedgerRow>;
  /** The transaction's time by PostgreSQL's clock. */
  readonly nowMs: number;
}

/**
 * Locks the items' ledger rows until the transaction ends. Every transaction locks in this order, so that no two
 * wait for each other.
 */
export async function lockLedger(manager: EntityManager, items: readonly ItemRef[]): Promise<LockedLedger> {
  const rows: LockedRow[] = await manager.query(
    `SELECT ledger.*, per_shopper_limit, hold_ms, floor(extract(epoch FROM now()) * 1000)::bigint AS now_ms
     FROM ledger JOIN items USING (sale_id, product_id) JOIN sales ON sales.id = ledger.sale_id
     WHERE (sale_id, product_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
     ORDER BY product_id, sale_id
     FOR UPDATE OF ledger`,
    [items.map(({ saleId }) => saleId), items.map(({ productId }) => productId)],
  );
  const ledger = rows.map(ledgerRowOf);
  return {
    rows: new Map(ledger.map((row) => [itemKeyOf(row), row])),
    nowMs: rows[0] === undefined ? 0 : toSafeInteger(rows[0].now_ms),
  };
}

function ledgerRowOf(row: LockedRow): LedgerRow {
  return {
    saleId: row.sale_id,
    productId: row.product_id,
    initial: row.initial,
    held: row.held,
    sold: row.sold,
    parked: row.parked,
    epoch: row.epoch,
    epochOffset: row.epoch_offset === null ? undefined : BigInt(row.epoch_offset),
    watermark: toSafeInteger(row.watermark),
    watermarkOrderId: row.watermark_order_id,
    ahead: row.ahead,
    suspendedReason: row.suspended_reason ?? undefined,
    perShopperLimit: row.per_shopper_limit,
    holdMs: row.hold_ms,
  };
}

interface KnownRow {
  readonly order_id: string;
  readonly shopper_id: string;
  readonly quantity: number;
  readonly state: OrderState;
  readonly reason: RejectionReason | null;
  readonly epoch: number;
  readonly sequence: string;
  readonly decided_at: Date;
}

export async function knownOrders(
  manager: EntityManager,
  orderIds: readonly string[],
): Promise<ReadonlyMap<string, KnownOrder>> {
  const rows: KnownRow[] = await manager.query(
    `SELECT order_id, shopper_id, quantity, state, reason, epoch, sequence, decided_at
     FROM orders WHERE order_id = ANY ($1::text[])`,
    [textArray(orderIds)],
  );
  return new Map(rows.map((row) => [row.order_id, knownOrderOf(row)]));
}

export function knownOrderOf(row: KnownRow): KnownOrder {
  return {
    orderId: row.order_id,
    shopperId: row.shopper_id,
    quantity: row.quantity,
    state: row.state,
    reason: row.reason ?? undefined,
    epoch: row.epoch,
    sequence: toSafeInteger(row.sequence),
    decidedAtMs: row.decided_at.getTime(),
  };
}

/** Units of each shopper of these events in live states, by `itemKeyOf` and shopper. */
export async function liveUnits(
  manager: EntityManager,
  events: readonly OrdersAccepted[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
  const rows: {
    readonly sale_id: string;
    readonly product_id: string;
    readonly shopper_id: string;
    readonly units: number;
  }[] = await manager.query(
    // LATERAL makes it one index probe for each shopper, whatever the planner believes of a table that grows fast.
    `SELECT sale_id, product_id, shopper_id, units
     FROM unnest($1::text[], $2::text[], $3::text[]) AS asked (sale_id, product_id, shopper_id),
          LATERAL (
            SELECT sum(quantity)::integer AS units FROM orders
            WHERE orders.shopper_id = asked.shopper_id AND orders.product_id = asked.product_id
              AND orders.sale_id = asked.sale_id AND state = ANY ($4)
          ) live
     WHERE units IS NOT NULL`,
    [
      textArray(events.flatMap(({ saleId, orders }) => orders.map(() => saleId))),
      textArray(events.flatMap(({ productId, orders }) => orders.map(() => productId))),
      textArray(events.flatMap(({ orders }) => orders.map(({ shopperId }) => shopperId))),
      LIVE_STATES,
    ],
  );
  const units = new Map<string, Map<string, number>>();
  for (const row of rows) {
    const key = itemKeyOf({ saleId: row.sale_id, productId: row.product_id });
    const ofItem = units.get(key) ?? new Map<string, number>();
    ofItem.set(row.shopper_id, row.units);
    units.set(key, ofItem);
  }
  return units;
}

/** The rows of decided orders as a relation; `now()` is the transaction's time. */
const DECIDED = `
  unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::text[],
    $9::integer[], $10::integer[], $11::bigint[], $12::bigint[], $13::integer[]
  ) AS decided (
    order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason,
    booked, epoch, sequence, accepted_at_ms, hold_ms
  )`;
const ACCEPTED_AT = "to_timestamp(0) + accepted_at_ms * interval '1 millisecond'";
const HOLD_UNTIL = "now() + hold_ms * interval '1 millisecond'";

function decidedColumns(orders: readonly DecidedOrder[], holdMsOf: (item: ItemRef) => number): string[] {
  return [
    textArray(orders.map(({ orderId }) => orderId)),
    textArray(orders.map(({ saleId }) => saleId)),
    textArray(orders.map(({ productId }) => productId)),
    textArray(orders.map(({ shopperId }) => shopperId)),
    numberArray(orders.map(({ quantity }) => quantity)),
    textArray(orders.map(({ fingerprint }) => fingerprint)),
    textArray(orders.map(({ state }) => state)),
    textArray(orders.map(({ reason }) => reason)),
    numberArray(orders.map(({ booked }) => booked)),
    numberArray(orders.map(({ epoch }) => epoch)),
    numberArray(orders.map(({ sequence }) => sequence)),
    numberArray(orders.map(({ acceptedAtMs }) => acceptedAtMs)),
    numberArray(orders.map((order) => (order.state === 'confirmed' ? holdMsOf(order) : undefined))),
  ];
}

/**
 * Writes decided orders: one plain INSERT, and one UPDATE only where orders take rows over. The ledger's lock and the
 * known orders read under it make a conflict impossible, and a plain INSERT costs half of one with ON CONFLICT.
 */
export async function writeOrders(
  manager: EntityManager,
  orders: readonly DecidedOrder[],
  holdMsOf: (item: ItemRef) => number,
): Promise<void> {
  const fresh = orders.filter(({ takesOver }) => !takesOver);
  const takenOver = orders.filter(({ takesOver }) => takesOver);
  if (fresh.length > 0) {
    await manager.query(
      `INSERT INTO orders (order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason,
                           booked, epoch, sequence, accepted_at, decided_at, hold_until)
       SELECT order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason,
              booked, epoch, sequence, ${ACCEPTED_AT}, now(), ${HOLD_UNTIL}
       FROM ${DECIDED}`,
      decidedColumns(fresh, holdMsOf),
    );
  }
  if (takenOver.length > 0) {
    await manager.query(
      `UPDATE orders SET
         shopper_id = decided.shopper_id, quantity = decided.quantity, fingerprint = decided.fingerprint,
         state = decided.state, reason = decided.reason, booked = decided.booked, epoch = decided.epoch,
         sequence = decided.sequence, accepted_at = ${ACCEPTED_AT}, decided_at = now(), hold_until = ${HOLD_UNTIL}
       FROM ${DECIDED}
       WHERE orders.order_id = decided.order_id`,
      decidedColumns(takenOver, holdMsOf),
    );
  }
}

/** Writes what a batch changes of the items' ledger rows. */
export async function writeLedger(manager: EntityManager, rows: readonly LedgerRow[]): Promise<void> {
  if (rows.length === 0) return;
  await manager.query(
    `UPDATE ledger SET
       held = changed.held, parked = changed.parked, watermark = changed.watermark,
       watermark_order_id = changed.watermark_order_id, ahead = changed.ahead,
       suspended_reason = changed.suspended_reason
     FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::bigint[], $6::text[], $7::jsonb[], $8::text[])
       AS changed (sale_id, product_id, held, parked, watermark, watermark_order_id, ahead, suspended_reason)
     WHERE ledger.sale_id = changed.sale_id AND ledger.product_id = changed.product_id`,
    [
      rows.map(({ saleId }) => saleId),
      rows.map(({ productId }) => productId),
      rows.map(({ held }) => held),
      rows.map(({ parked }) => parked),
      rows.map(({ watermark }) => watermark),
      rows.map(({ watermarkOrderId }) => watermarkOrderId),
      rows.map(({ ahead }) => JSON.stringify(ahead)),
      rows.map(({ suspendedReason }) => suspendedReason ?? null),
    ],
  );
}
