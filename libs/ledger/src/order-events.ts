import {
  itemName,
  ORDER_STATUS_TYPE,
  type ItemRef,
  type LedgerStatus,
  type OrderStatusEvent,
} from '@flux/contracts';
import { groupBy } from './group-by';

/** One change of an order's state, by the clock of PostgreSQL. */
export interface StatusChange extends ItemRef {
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly state: LedgerStatus;
  readonly reason: string | undefined;
  readonly atMs: number;
  /** With `confirmed`. */
  readonly holdUntilMs: number | undefined;
  /** With `paid`. */
  readonly paymentId: string | undefined;
}

/**
 * Changes of one item as the queue keeps them: those in a row that differ in nothing but the order share what they have
 * in common, and their events follow from them. 1,000 confirmations take 45 kB as one run and 390 as events.
 */
export type StoredRun = readonly [
  state: LedgerStatus,
  atMs: number,
  holdUntilMs: number | null,
  reason: string | null,
  paymentId: string | null,
  /** One line per order: what follows the item's name in its id, its shopper, its quantity. */
  orders: string,
];

function storedRuns(changes: readonly StatusChange[]): StoredRun[] {
  const runs: StoredRun[] = [];
  let first: StatusChange | undefined;
  let lines: string[] = [];
  const end = (): void => {
    if (first === undefined) return;
    const { state, atMs, holdUntilMs, reason, paymentId } = first;
    runs.push([state, atMs, holdUntilMs ?? null, reason ?? null, paymentId ?? null, lines.join('\n')]);
  };
  for (const change of changes) {
    if (first === undefined || !isAlike(first, change)) {
      end();
      first = change;
      lines = [];
    }
    const { orderId, shopperId, quantity } = change;
    lines.push(`${orderId.slice(orderId.lastIndexOf('.') + 1)} ${shopperId} ${quantity}`);
  }
  end();
  return runs;
}

function isAlike(one: StatusChange, other: StatusChange): boolean {
  return (
    one.state === other.state &&
    one.atMs === other.atMs &&
    one.holdUntilMs === other.holdUntilMs &&
    one.reason === other.reason &&
    one.paymentId === other.paymentId
  );
}

/** The events of an item's changes, in their order; the same change has the same id again. */
export function eventsOfRuns(item: ItemRef, runs: readonly StoredRun[]): OrderStatusEvent[] {
  const { saleId, productId } = item;
  const name = itemName(item);
  return runs.flatMap(([status, atMs, holdUntilMs, reason, paymentId, orders]) => {
    // Once for all orders of a run: a date takes as long as the rest of its event.
    const occurredAt = new Date(atMs).toISOString();
    const holdUntil = holdUntilMs === null ? undefined : new Date(holdUntilMs).toISOString();
    return orders.split('\n').map((line): OrderStatusEvent => {
      const [key = '', shopperId = '', quantity] = line.split(' ');
      const orderId = `${name}.${key}`;
      // One literal, since spreading costs more than all else here; JSON leaves out what is undefined.
      return {
        type: ORDER_STATUS_TYPE,
        id: `${orderId}.${status}`,
        orderId,
        saleId,
        productId,
        shopperId,
        quantity: Number(quantity),
        status,
        reason: reason ?? undefined,
        holdUntil,
        paymentId: paymentId ?? undefined,
        occurredAt,
      };
    });
  });
}

/**
 * The statement that puts changes into the queue of what is to be published, one row per item, in their order; it
 * stands beside another. Run it in the transaction that writes the changes and holds the items' ledger rows: so the
 * rows of an item are numbered as it changed. Each row's changes are one parameter of their own: inside an array every
 * quote of theirs would be escaped.
 * @param firstParameter number of its first parameter
 */
export function eventsInsert(
  changes: readonly StatusChange[],
  firstParameter: number,
): { readonly statement: string; readonly parameters: string[] } {
  const byItem = groupBy(changes, itemName);
  const values = Array.from({ length: byItem.size }, (_, index) => {
    const at = firstParameter + index * 3;
    return `($${at}, $${at + 1}, $${at + 2})`;
  });
  return {
    statement: `INSERT INTO order_events (sale_id, product_id, events) VALUES ${values.join(', ')}`,
    parameters: [...byItem.values()].flatMap((ofItem) => {
      const [{ saleId, productId }] = ofItem;
      return [saleId, productId, JSON.stringify(storedRuns(ofItem))];
    }),
  };
}
