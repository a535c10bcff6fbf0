import { itemName, type ItemRef, type OrderState } from '@flux/contracts';
import type { EntityManager } from 'typeorm';
import type { SequenceRange } from './advance-watermark';
import { toSafeInteger } from './entities/columns';
import { LIVE_STATES } from './entities/order.entity';
import type { KnownOrder, LedgerRow } from './ledger-row';
import { textArray } from './sql-array';

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

/** A shopper of an item. */
export interface ItemShopper extends ItemRef {
  readonly shopperId: string;
}

/** Units of each shopper in these states, by `itemName` and shopper. */
export async function liveUnits(
  manager: EntityManager,
  shoppers: readonly ItemShopper[],
  states: readonly OrderState[] = LIVE_STATES,
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
      textArray(shoppers.map(({ saleId }) => saleId)),
      textArray(shoppers.map(({ productId }) => productId)),
      textArray(shoppers.map(({ shopperId }) => shopperId)),
      states,
    ],
  );
  const units = new Map<string, Map<string, number>>();
  for (const row of rows) {
    const key = itemName({ saleId: row.sale_id, productId: row.product_id });
    const ofItem = units.get(key) ?? new Map<string, number>();
    ofItem.set(row.shopper_id, row.units);
    units.set(key, ofItem);
  }
  return units;
}
