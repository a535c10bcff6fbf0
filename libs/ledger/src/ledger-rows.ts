import { itemName, type ItemRef, type OrderState } from '@flux/contracts';
import type { EntityManager } from 'typeorm';
import type { SequenceRange } from './advance-watermark';
import { toSafeInteger } from './entities/columns';
import { LIVE_STATES } from './entities/order.entity';
import type { KnownOrder, LedgerRow } from './ledger-row';
import { numberArray, textArray } from './sql-array';

/** What the transactions that change orders read first. Each statement takes any number of rows. */

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
  /** By `itemName`; an item that is not known is absent. */
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
    rows: new Map(ledger.map((row) => [itemName(row), row])),
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
  readonly reason: string | null;
  readonly booked: number;
  readonly epoch: number;
  readonly sequence: string;
  readonly decided_at: Date;
  readonly cancel_epoch: number | null;
  readonly cancel_sequence: string | null;
}

export async function knownOrders(
  manager: EntityManager,
  orderIds: readonly string[],
): Promise<ReadonlyMap<string, KnownOrder>> {
  if (orderIds.length === 0) return new Map();
  const rows: KnownRow[] = await manager.query(
    `SELECT order_id, shopper_id, quantity, state, reason, booked, epoch, sequence, decided_at,
            cancel_epoch, cancel_sequence
     FROM orders WHERE order_id = ANY ($1::text[])`,
    [textArray(orderIds)],
  );
  return new Map(rows.map((row) => [row.order_id, knownOrderOf(row)]));
}

function knownOrderOf(row: KnownRow): KnownOrder {
  return {
    orderId: row.order_id,
    shopperId: row.shopper_id,
    quantity: row.quantity,
    state: row.state,
    reason: row.reason ?? undefined,
    booked: row.booked,
    epoch: row.epoch,
    sequence: toSafeInteger(row.sequence),
    decidedAtMs: row.decided_at.getTime(),
    intent:
      row.cancel_epoch === null || row.cancel_sequence === null
        ? undefined
        : { epoch: row.cancel_epoch, sequence: toSafeInteger(row.cancel_sequence) },
  };
}

/** Shoppers of an item. */
export interface ItemShoppers extends ItemRef {
  readonly shopperIds: Iterable<string>;
}

/** Units of each shopper in these states, by `itemName` and shopper; who has none is absent. Each item once. */
export async function liveUnits(
  manager: EntityManager,
  items: readonly ItemShoppers[],
  states: readonly OrderState[] = LIVE_STATES,
): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
  // Each shopper once: whoever came twice would be counted twice.
  const asked = items.map(({ shopperIds }) => [...new Set(shopperIds)]);
  if (asked.every((shopperIds) => shopperIds.length === 0)) return new Map();
  const rows: { readonly place: number; readonly shopper_id: string; readonly quantity: number }[] =
    await manager.query(
      // LATERAL with OFFSET makes it one index probe for each shopper, whatever the planner believes of a table that
      // grows fast. A sum inside of it would cost half as much again.
      `SELECT place, shopper_id, quantity
       FROM unnest($1::integer[], $2::text[]) AS asked (place, id),
            LATERAL (
              SELECT shopper_id, quantity FROM orders
              WHERE orders.shopper_id = asked.id AND orders.product_id = ($3::text[])[place]
                AND orders.sale_id = ($4::text[])[place] AND state = ANY ($5)
              OFFSET 0
            ) live`,
      [
        numberArray(asked.flatMap((shopperIds, index) => shopperIds.map(() => index + 1))),
        textArray(asked.flat()),
        textArray(items.map(({ productId }) => productId)),
        textArray(items.map(({ saleId }) => saleId)),
        states,
      ],
    );
  const units = items.map(() => new Map<string, number>());
  for (const { place, shopper_id, quantity } of rows) {
    const ofItem = units[place - 1];
    ofItem?.set(shopper_id, (ofItem.get(shopper_id) ?? 0) + quantity);
  }
  return new Map(items.map((item, index) => [itemName(item), units[index] ?? new Map<string, number>()]));
}
