import { FORGOTTEN_SHOPPER_PATTERN, orderIdRange } from '@flux/contracts';
import type { DataSource, EntityManager } from 'typeorm';
import { SaleEntity } from './entities/sale.entity';
import { groupBy } from './group-by';
import { noteChange, noteSale } from './ledger-log';
import { textArray } from './sql-array';
import { keyOf } from './stored-runs';

/** The statements that look for a shopper's name and put a pseudonym in its place. */

/** An order whose row still has its shopper's name. */
export interface NamedOrder {
  readonly orderId: string;
  readonly productId: string;
  readonly shopperId: string;
}

interface NamedRow {
  readonly order_id: string;
  readonly product_id: string;
  readonly shopper_id: string;
}

/** Rows of `webhook_deliveries` that one statement looks at. */
const DELIVERIES_PER_STATEMENT = 5_000;
/** Headers that say nothing of a shopper. */
const KEPT_HEADERS = ['type', 'sale', 'product', 'epoch', 'first-sequence', 'accepted-at-ms'];

/** The sales in which the shopper has orders. */
export async function salesOf(dataSource: DataSource, shopperId: string): Promise<readonly string[]> {
  const rows: { readonly sale_id: string }[] = await dataSource.query(
    'SELECT DISTINCT sale_id FROM orders WHERE shopper_id = $1 ORDER BY sale_id',
    [shopperId],
  );
  return rows.map(({ sale_id }) => sale_id);
}

/** The shoppers' orders in a sale; `lock` keeps their rows, and payments for them, from changing. */
export async function ordersOf(
  manager: EntityManager,
  { saleId, shopperIds }: { readonly saleId: string; readonly shopperIds: readonly string[] },
  { lock = false } = {},
): Promise<readonly NamedOrder[]> {
  const rows: NamedRow[] = await manager.query(
    `SELECT order_id, product_id, shopper_id FROM orders WHERE sale_id = $1 AND shopper_id = ANY ($2::text[])
     ORDER BY order_id ${lock ? 'FOR UPDATE' : ''}`,
    [saleId, textArray(shopperIds)],
  );
  return rows.map(namedOrderOf);
}

/** A page of a sale's shoppers that still have their names, by order id; `last` is undefined after the last page. */
export async function namedShoppers(
  dataSource: DataSource,
  { saleId, after, limit }: { readonly saleId: string; readonly after: string; readonly limit: number },
): Promise<{ readonly shopperIds: readonly string[]; readonly last: string | undefined }> {
  const [, end] = orderIdRange(saleId);
  const rows: NamedRow[] = await dataSource.query(
    `SELECT order_id, product_id, shopper_id FROM orders WHERE order_id > $1 AND order_id < $2
     ORDER BY order_id LIMIT $3`,
    [after, end, limit],
  );
  const names = rows
    .map(namedOrderOf)
    .map(({ shopperId }) => shopperId)
    .filter((shopperId) => !FORGOTTEN_SHOPPER_PATTERN.test(shopperId));
  return { shopperIds: [...new Set(names)], last: rows.length < limit ? undefined : rows.at(-1)?.order_id };
}

/**
 * Writes the pseudonyms in the sale's orders, whose ledger rows the transaction holds. Their passes go: from a pass's id
 * and the sale's salt one can find out whose it was. Nobody needs them any more, for the sale has ended.
 */
export async function renameShoppers(
  manager: EntityManager,
  saleId: string,
  pseudonyms: ReadonlyMap<string, string>,
): Promise<void> {
  const [rows]: [NamedRow[], number] = await manager.query(
    `UPDATE orders SET shopper_id = named.pseudonym, pass_id = NULL
     FROM unnest($2::text[], $3::text[]) AS named (shopper_id, pseudonym)
     WHERE orders.sale_id = $1 AND orders.shopper_id = named.shopper_id
     RETURNING orders.order_id, orders.product_id, orders.shopper_id`,
    [saleId, textArray([...pseudonyms.keys()]), textArray([...pseudonyms.values()])],
  );
  for (const [productId, ofItem] of groupBy(rows, ({ product_id }) => product_id)) {
    const lines = ofItem.map(({ order_id, shopper_id }) => `${keyOf(order_id)} ${shopper_id}`);
    await noteChange(manager, { saleId, productId }, { causes: ['forgotten'], renamed: lines.join('\n') });
  }
}

/** Notes in the sale that its shoppers were forgotten. With the salt names could be tried against the draw's list. */
export async function noteForgotten(manager: EntityManager, saleId: string): Promise<void> {
  await manager.update(SaleEntity, { id: saleId }, { forgottenAt: () => 'now()', roomSalt: () => 'DEFAULT' });
  await noteSale(manager, saleId, { causes: ['saleChanged'], written: { sale: true } });
}

/** A sale, as far as PostgreSQL knows whether its shoppers can be forgotten. */
export interface SaleAtEnd {
  /** Why they cannot be yet, and what to do; undefined where nothing is under way. */
  readonly reason: string | undefined;
  readonly isRetired: boolean;
}

/** Under the lock of the sale's ledger rows nothing begins that would take a name along. */
export async function saleAtEnd(manager: EntityManager, saleId: string): Promise<SaleAtEnd> {
  const [row]: [SaleRow | undefined] = await manager.query(
    `SELECT state,
            (SELECT sum(held) FROM ledger WHERE sale_id = sales.id) > 0 AS held,
            (SELECT sum(parked) FROM ledger WHERE sale_id = sales.id) > 0
              OR EXISTS (SELECT FROM parked_messages WHERE sale_id = sales.id AND state = 'parked') AS parked,
            EXISTS (SELECT FROM ledger WHERE sale_id = sales.id AND suspended_reason IS NOT NULL) AS suspended,
            EXISTS (SELECT FROM orders WHERE gate_epoch IS NOT NULL AND sale_id = sales.id) AS untold,
            EXISTS (SELECT FROM payments JOIN orders USING (order_id)
                    WHERE (payments.state = 'pending' OR give_back_units IS NOT NULL) AND sale_id = sales.id) AS paying,
            EXISTS (SELECT FROM order_events
                    WHERE sale_id = sales.id AND json_array_length(events) > 0) AS unpublished
     FROM sales WHERE id = $1`,
    [saleId],
  );
  return { reason: reasonOf(row), isRetired: row?.['state'] === 'retired' };
}

type SaleRow = Readonly<Record<string, string | boolean | null>>;

function reasonOf(row: SaleRow | undefined): string | undefined {
  if (row === undefined) return 'there is no such sale';
  const { state } = row;
  if (state !== 'closed' && state !== 'retired') return `the sale is ${String(state)}: forget after its end`;
  if (row['suspended'] === true) return 'an item waits for its rebuild: forget after that';
  if (row['parked'] === true) return 'messages are parked: retry or discard them first';
  if (row['held'] === true)
    return 'orders still wait for their payment: forget when they are paid or expired';
  if (row['paying'] === true) return 'late payments are under way: forget when they are decided';
  if (row['untold'] === true) return 'the gate has not heard of all orders yet: forget again later';
  if (row['unpublished'] === true) return 'changes of orders are not published yet: forget again later';
  return undefined;
}

/** Which copies of names a statement looks at: those of one shopper, or all of a sale. */
export type CopiesOf = { readonly shopperId: string } | { readonly saleId: string };

/** Gives webhook deliveries the names that their orders have now. @returns how many had another */
export async function renameDeliveries(dataSource: DataSource, copies: CopiesOf): Promise<number> {
  const [condition, value] =
    'shopperId' in copies
      ? ["event->>'shopperId' = $2", copies.shopperId]
      : ['orders.sale_id = $2', copies.saleId];
  let renamed = 0;
  let after: string | null = '0';
  while (after !== null) {
    const [page]: { readonly last: string | null; readonly renamed: number }[] = await dataSource.query(
      `WITH page AS (
         SELECT id FROM webhook_deliveries WHERE id > $1 ORDER BY id LIMIT ${DELIVERIES_PER_STATEMENT}
       ), renamed AS (
         UPDATE webhook_deliveries SET event = jsonb_set(event, '{shopperId}', to_jsonb(orders.shopper_id))
         FROM page, orders
         WHERE webhook_deliveries.id = page.id AND orders.order_id = event->>'orderId'
           AND event->>'shopperId' <> orders.shopper_id AND ${condition}
         RETURNING 1
       )
       SELECT (SELECT max(id) FROM page) AS last, (SELECT count(*)::integer FROM renamed) AS renamed`,
      [after, value],
    );
    renamed += page?.renamed ?? 0;
    after = page?.last ?? null;
  }
  return renamed;
}

const NAMES_SHOPPER = `(
  position(convert_to($1, 'UTF8') IN coalesce(value, '')) > 0 OR position(convert_to($1, 'UTF8') IN coalesce(key, '')) > 0
  OR position($1 IN headers::text) > 0
)`;

/**
 * Empties resolved messages, of which nothing but their place and reason is needed any more.
 * @returns how many were emptied
 */
export async function emptyMessages(dataSource: DataSource, copies: CopiesOf): Promise<number> {
  const [condition, value] =
    'shopperId' in copies ? [NAMES_SHOPPER, copies.shopperId] : ['sale_id = $1', copies.saleId];
  const [, emptied]: [unknown, number] = await dataSource.query(
    `UPDATE parked_messages SET key = NULL, value = NULL, headers = (
       SELECT coalesce(jsonb_object_agg(name, content), '{}') FROM jsonb_each(headers) AS header (name, content)
       WHERE name = ANY ($2)
     )
     WHERE state <> 'parked' AND ${condition} AND (
       value IS NOT NULL OR key IS NOT NULL
       OR EXISTS (SELECT FROM jsonb_object_keys(headers) AS name WHERE name <> ALL ($2))
     )`,
    [value, KEPT_HEADERS],
  );
  return emptied;
}

/** Ids of messages that nobody has resolved and that may name the shopper. */
export async function waitingMessages(dataSource: DataSource, shopperId: string): Promise<readonly string[]> {
  const rows: { readonly id: string }[] = await dataSource.query(
    `SELECT id FROM parked_messages WHERE state = 'parked' AND ${NAMES_SHOPPER} ORDER BY id`,
    [shopperId],
  );
  return rows.map(({ id }) => id);
}

/** The sales whose retention time is over and whose shoppers still have their names. */
export async function salesToForget(dataSource: DataSource): Promise<readonly string[]> {
  const rows: { readonly id: string }[] = await dataSource.query(
    `SELECT id FROM sales WHERE ${RETENTION_IS_OVER} ORDER BY closed_at`,
  );
  return rows.map(({ id }) => id);
}

export const RETENTION_IS_OVER = `
  forgotten_at IS NULL AND state IN ('closed', 'retired')
  AND closed_at + retention_ms * interval '1 millisecond' <= now()`;

function namedOrderOf({ order_id, product_id, shopper_id }: NamedRow): NamedOrder {
  return { orderId: order_id, productId: product_id, shopperId: shopper_id };
}
