import type { ItemRef } from '@flux/contracts';
import type { EntityManager } from 'typeorm';
import type { LedgerSide } from './drift';

/** The items whose gate was opened and whose sale is not retired. */
export async function openedItems(manager: EntityManager): Promise<readonly ItemRef[]> {
  return manager.query(
    `SELECT sale_id AS "saleId", product_id AS "productId" FROM items JOIN sales ON sales.id = items.sale_id
     WHERE gate_opened_at IS NOT NULL AND sales.state <> 'retired' ORDER BY sale_id, product_id`,
  );
}

/** What a glance at many items asks. */
export interface LedgerGlance extends ItemRef {
  readonly free: number;
  readonly perShopperLimit: number;
}

export async function glanceAt(
  manager: EntityManager,
  items: readonly ItemRef[],
): Promise<readonly LedgerGlance[]> {
  return manager.query(
    `SELECT sale_id AS "saleId", product_id AS "productId", initial - held - sold - parked AS free,
            per_shopper_limit AS "perShopperLimit"
     FROM ledger JOIN items USING (sale_id, product_id)
     WHERE (sale_id, product_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
    [items.map(({ saleId }) => saleId), items.map(({ productId }) => productId)],
  );
}

interface SideRow {
  readonly epoch: number;
  readonly watermark: string;
  readonly suspended: boolean;
  readonly free: number;
  readonly untold: boolean;
  readonly stock_changes: boolean;
  readonly payments: boolean;
}

const UNFINISHED = [
  ['untold', 'the gate has not heard of the end or payment of orders'],
  ['stock_changes', 'a stock change is half done'],
  ['payments', 'a late payment is half done'],
] as const satisfies readonly (readonly [keyof SideRow, string])[];

/** One statement, so that counters and what is unfinished are of the same moment. Undefined where there is no row. */
export async function readLedgerSide(
  manager: EntityManager,
  { saleId, productId }: ItemRef,
): Promise<LedgerSide | undefined> {
  const [row]: SideRow[] = await manager.query(
    `SELECT epoch, watermark, suspended_reason IS NOT NULL AS suspended, initial - held - sold - parked AS free,
            EXISTS (SELECT FROM orders
                     WHERE sale_id = $1 AND product_id = $2 AND gate_epoch IS NOT NULL) AS untold,
            EXISTS (SELECT FROM stock_changes
                     WHERE sale_id = $1 AND product_id = $2 AND state = 'pending') AS stock_changes,
            EXISTS (SELECT FROM payments JOIN orders USING (order_id)
                     WHERE sale_id = $1 AND product_id = $2
                       AND (payments.state = 'pending' OR give_back_units IS NOT NULL)) AS payments
     FROM ledger WHERE sale_id = $1 AND product_id = $2`,
    [saleId, productId],
  );
  if (row === undefined) return undefined;
  return {
    epoch: row.epoch,
    watermark: Number(row.watermark),
    isSuspended: row.suspended,
    free: row.free,
    unfinished: UNFINISHED.filter(([column]) => row[column]).map(([, what]) => what),
  };
}
