/** One item's account, raw. */
export interface LedgerFacts {
  readonly productId: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly limit: number;
  readonly holdMs: number;
  /** False before the gate was opened for the first time. */
  readonly opened: boolean;
  /** The sale's keys may have ended. */
  readonly retired: boolean;
  readonly initial: number;
  readonly held: number;
  readonly sold: number;
  readonly parked: number;
  readonly epoch: number;
  /** The last Kafka offset at which events of older epochs count; undefined before the first rebuild. */
  readonly epochOffset: string | undefined;
  readonly watermark: number;
  readonly watermarkOrderId: string;
  readonly suspendedReason: string | undefined;
  /** Transactions that changed the item. */
  readonly version: number;
  /** Stock changes that only one of gate and ledger may have. */
  readonly pendingChanges: number;
  /** Orders whose state the gate has not been told. */
  readonly untold: number;
  /** Payments that are not decided, or have units to give back. */
  readonly unfinishedPayments: number;
  /** Transactions whose events are not published. */
  readonly unpublished: number;
}

export interface SaleFacts {
  readonly createdAtMs: number;
  readonly items: readonly LedgerFacts[];
}

/** The items of the sale `$1`, as `factsOf` reads them. */
export const SELECT_ITEMS = `
  SELECT product_id, price_minor, currency, per_shopper_limit, hold_ms, gate_opened_at IS NOT NULL AS opened,
         initial, held, sold, parked, epoch, epoch_offset, watermark, watermark_order_id, suspended_reason,
         l.version,
         (SELECT count(*) FROM stock_changes c WHERE c.sale_id = l.sale_id AND c.product_id = l.product_id
             AND c.state = 'pending') AS pending_changes,
         (SELECT count(*) FROM orders o WHERE o.sale_id = l.sale_id AND o.product_id = l.product_id
             AND o.gate_epoch IS NOT NULL) AS untold,
         (SELECT count(*) FROM payments p JOIN orders o USING (order_id)
           WHERE o.sale_id = l.sale_id AND o.product_id = l.product_id
             AND (p.state = 'pending' OR p.give_back_units IS NOT NULL)) AS unfinished_payments,
         (SELECT count(*) FROM order_events e WHERE e.sale_id = l.sale_id AND e.product_id = l.product_id)
           AS unpublished
    FROM items i JOIN ledger l USING (sale_id, product_id) JOIN sales s ON s.id = sale_id WHERE sale_id = $1 ORDER BY product_id`;

export function factsOf(item: Readonly<Record<string, unknown>>, retired: boolean): LedgerFacts {
  return {
    productId: String(item['product_id']),
    priceMinor: Number(item['price_minor']),
    currency: String(item['currency']),
    limit: Number(item['per_shopper_limit']),
    holdMs: Number(item['hold_ms']),
    opened: item['opened'] === true,
    retired,
    initial: Number(item['initial']),
    held: Number(item['held']),
    sold: Number(item['sold']),
    parked: Number(item['parked']),
    epoch: Number(item['epoch']),
    epochOffset: typeof item['epoch_offset'] === 'string' ? item['epoch_offset'] : undefined,
    watermark: Number(item['watermark']),
    watermarkOrderId: String(item['watermark_order_id']),
    suspendedReason: typeof item['suspended_reason'] === 'string' ? item['suspended_reason'] : undefined,
    version: Number(item['version']),
    pendingChanges: Number(item['pending_changes']),
    untold: Number(item['untold']),
    unfinishedPayments: Number(item['unfinished_payments']),
    unpublished: Number(item['unpublished']),
  };
}
