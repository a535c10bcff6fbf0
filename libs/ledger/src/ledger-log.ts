import type { ItemRef, LedgerCause } from '@flux/contracts';
import type { EntityManager } from 'typeorm';
import { textArray } from './sql-array';
import type { StoredRun } from './stored-runs';

/**
 * Every transaction that changes an item's ledger row, its orders, or what belongs to them (payments, refunds, stock
 * changes, the sale) says so here, once, at its end: the ledger row's version goes up by one, and what was changed is
 * queued for `ledger-events.v1`. A change that is not noted is lost with the database. The transaction locks the ledger
 * row before it writes any of these but the sale's and the item's, or two of them could wait for each other.
 */

/** What changed of an item beside its orders' statuses. */
export interface ItemNotes {
  /** Why the ledger row, or a row of another table, changed. */
  readonly causes?: readonly LedgerCause[];
  /** Orders that are parked now. */
  readonly parked?: readonly StoredRun[];
  /** Wishes to cancel that are noted now, a line each: key, epoch, sequence. */
  readonly intents?: string;
  /** Shoppers that were forgotten, a line each: the order's key, the new name. */
  readonly renamed?: string;
  /** Ids of stock changes that are gone. */
  readonly removedStockChanges?: readonly string[];
}

/** Rows of other tables that the transaction has written before, by their keys. */
export interface WrittenRows {
  readonly sale?: true;
  readonly item?: true;
  readonly payments?: readonly string[];
  /** By payment id. */
  readonly refunds?: readonly string[];
  readonly stockChanges?: readonly string[];
  readonly parkedMessages?: readonly string[];
}

/** What one transaction changed of one item. */
export interface ItemChange extends ItemRef {
  /** Orders whose shoppers read another status now. */
  readonly runs: readonly StoredRun[];
  readonly notes?: ItemNotes;
}

/** What else a transaction has to note beside the orders that it changes. */
export type ChangeNote = ItemNotes & { readonly written: WrittenRows };

/** A payment was written. */
export function paymentNote(paymentId: string): ChangeNote {
  return { causes: ['paymentChanged'], written: { payments: [paymentId] } };
}

/** A payment was refused, and its refund written. */
export function refusalNote(paymentId: string): ChangeNote {
  const causes = ['paymentChanged', 'refundChanged'] as const;
  return { causes, written: { payments: [paymentId], refunds: [paymentId] } };
}

/** For the UPDATE of `ledger` of such a transaction. */
export const RAISED_VERSION =
  'version = ledger.version + 1, previous_at = ledger.changed_at, changed_at = now()';

interface Statement {
  readonly statement: string;
  readonly parameters: readonly string[];
}

/**
 * The INSERT that queues changes, one row per item; it stands behind `WITH raised AS (UPDATE ledger ... RETURNING
 * ledger.*)`, since a statement of its own would be one more round trip. Each row's changes are one parameter of their
 * own: inside an array every quote of theirs would be escaped.
 * @param firstParameter number of its first parameter
 * @param written what else is published with each of the items
 */
export function queueInsert(
  changes: readonly ItemChange[],
  firstParameter: number,
  written?: WrittenRows,
): Statement {
  const values = changes.map((_, index) => {
    const at = firstParameter + index * 4;
    return `($${at}, $${at + 1}, $${at + 2}::json, $${at + 3}::json)`;
  });
  const images = imagesOf(written, firstParameter + changes.length * 4);
  return {
    statement: `
      INSERT INTO order_events (sale_id, product_id, version, ledger, events, more, rows)
      SELECT raised.sale_id, raised.product_id, raised.version, row_to_json(raised), queued.events, queued.more,
             ${images.statement}
      FROM raised JOIN (VALUES ${values.join(', ')}) AS queued (sale_id, product_id, events, more)
        ON queued.sale_id = raised.sale_id AND queued.product_id = raised.product_id
      ORDER BY raised.product_id`,
    parameters: [
      ...changes.flatMap(({ saleId, productId, runs, notes }) => [
        saleId,
        productId,
        JSON.stringify(runs),
        JSON.stringify(notes ?? null),
      ]),
      ...images.parameters,
    ],
  };
}

/** Notes what the transaction, which holds the item's ledger row, has written. */
export async function noteChange(
  manager: EntityManager,
  { saleId, productId }: ItemRef,
  { written, ...notes }: ItemNotes & { readonly written?: WrittenRows },
): Promise<void> {
  const { statement, parameters } = queueInsert([{ saleId, productId, runs: [], notes }], 3, written);
  await manager.query(
    `WITH raised AS (
       UPDATE ledger SET ${RAISED_VERSION} WHERE sale_id = $1 AND product_id = $2 RETURNING ledger.*
     ) ${statement}`,
    [saleId, productId, ...parameters],
  );
}

export interface SaleNote {
  readonly causes: readonly LedgerCause[];
  readonly written: WrittenRows;
  /** Only these items; else all of the sale. */
  readonly productIds?: readonly string[];
}

/**
 * Notes the same for many items of a sale. Locks their ledger rows, in the order of all who lock more than one; with
 * `written.sale` the transaction holds the sale's row, whose version goes up too.
 */
export async function noteSale(
  manager: EntityManager,
  saleId: string,
  { causes, written, productIds }: SaleNote,
): Promise<void> {
  if (written.sale === true) {
    await manager.query('UPDATE sales SET version = version + 1 WHERE id = $1', [saleId]);
  }
  const items: { readonly product_id: string }[] = await manager.query(
    `SELECT product_id FROM ledger WHERE sale_id = $1 AND ($2::text[] IS NULL OR product_id = ANY ($2))
     ORDER BY product_id FOR UPDATE`,
    [saleId, productIds === undefined ? null : textArray(productIds)],
  );
  const images = imagesOf(written, 4);
  await manager.query(
    `WITH raised AS (
       UPDATE ledger SET ${RAISED_VERSION} WHERE sale_id = $1 AND product_id = ANY ($2::text[]) RETURNING ledger.*
     )
     INSERT INTO order_events (sale_id, product_id, version, ledger, events, more, rows)
     SELECT sale_id, product_id, version, row_to_json(raised), '[]', $3::json, ${images.statement}
     FROM raised ORDER BY product_id`,
    [
      saleId,
      textArray(items.map(({ product_id }) => product_id)),
      JSON.stringify({ causes } satisfies ItemNotes),
      ...images.parameters,
    ],
  );
}

/** A message's body and headers may be larger than what Kafka takes, and `orders-accepted.v1` has them. */
const MESSAGE_IMAGE = `json_agg((to_jsonb(image) - 'key' - 'value') || '{"headers": {}}')`;

function imagesOf(written: WrittenRows | undefined, firstParameter: number): Statement {
  if (written === undefined) return { statement: 'NULL::json', parameters: [] };
  const { sale, item, payments, refunds, stockChanges, parkedMessages } = written;
  const tables: string[] = [];
  const parameters: string[] = [];
  const add = (table: string, condition: string, image = 'json_agg(image)'): void => {
    tables.push(`'${table}', (SELECT ${image} FROM ${table} AS image WHERE ${condition})`);
  };
  const addKeys = (table: string, key: string, keys: readonly string[] = [], image?: string): void => {
    if (keys.length === 0) return;
    add(table, `image.${key}::text = ANY ($${firstParameter + parameters.length}::text[])`, image);
    parameters.push(textArray(keys));
  };
  if (sale === true) add('sales', 'image.id = raised.sale_id');
  if (item === true) add('items', 'image.sale_id = raised.sale_id AND image.product_id = raised.product_id');
  addKeys('payments', 'payment_id', payments);
  addKeys('refunds', 'payment_id', refunds);
  addKeys('stock_changes', 'id', stockChanges);
  addKeys('parked_messages', 'id', parkedMessages, MESSAGE_IMAGE);
  return { statement: `json_build_object(${tables.join(', ')})`, parameters };
}
