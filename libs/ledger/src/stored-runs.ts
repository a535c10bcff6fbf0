import { itemName, type ItemRef, type LedgerStatus, type OrderState } from '@flux/contracts';
import type { DecidedOrder, IntentPlace } from './ledger-row';

/**
 * Changes of one item's orders as the queue keeps them: those in a row that differ in nothing but the order share what
 * they have in common. 1,000 confirmations take 40 kB as one run and 390 as status events.
 */
export type StoredRun = readonly [
  state: OrderState,
  atMs: number,
  holdUntilMs: number | null,
  reason: string | null,
  paymentId: string | null,
  /**
   * One line per order: what follows the item's name in its id, its shopper, its quantity; then what `row` says. A
   * release that knows no more reads the first three words of a line.
   */
  orders: string,
  /** How the rows were written; missing in runs of the release before. */
  row?: RunOfNewRows | RunOfChangedRows,
];

/**
 * The orders have this epoch and sequences one after the other. Lines go on with fingerprint and the ms at which the
 * gate accepted the order, left out where both are those of the line before, for parked orders the units booked, and
 * last, after a `+`, the id of the pass that the order redeemed.
 */
export type RunOfNewRows = readonly [kind: 'new' | 'takenOver', epoch: number, firstSequence: number];

/** The gate is told in this epoch. Lines go on with the units that it gets back, and epoch and sequence of a wish. */
export type RunOfChangedRows = readonly [kind: 'changed', gateEpoch: number];

/** Begins the last word of a line that has one; no other word holds it. */
const PASS_MARK = '+';

/** What follows the item's name in an order's id. */
export function keyOf(orderId: string): string {
  return orderId.slice(orderId.lastIndexOf('.') + 1);
}

/**
 * Orders of one item that got a row, or took one over, in one transaction.
 * @param nowMs the transaction's time
 */
export function decidedRuns(
  orders: readonly DecidedOrder[],
  { nowMs, holdMs }: { readonly nowMs: number; readonly holdMs: number },
): StoredRun[] {
  const runs: StoredRun[] = [];
  let first: DecidedOrder | undefined;
  let last: DecidedOrder | undefined;
  let lines: string[] = [];
  const end = (): void => {
    if (first === undefined) return;
    const { state, reason, epoch, sequence, takesOver } = first;
    const holdUntilMs = state === 'confirmed' ? nowMs + holdMs : null;
    const row = [takesOver ? 'takenOver' : 'new', epoch, sequence] as const;
    runs.push([state, nowMs, holdUntilMs, reason ?? null, null, lines.join('\n'), row]);
  };
  for (const order of orders) {
    if (first === undefined || last === undefined || !follows(last, order)) {
      end();
      first = order;
      last = undefined;
      lines = [];
    }
    lines.push(decidedLine(order, last));
    last = order;
  }
  end();
  return runs;
}

function follows(last: DecidedOrder, order: DecidedOrder): boolean {
  return (
    order.sequence === last.sequence + 1 &&
    order.state === last.state &&
    order.reason === last.reason &&
    order.epoch === last.epoch &&
    order.takesOver === last.takesOver
  );
}

function decidedLine(order: DecidedOrder, last: DecidedOrder | undefined): string {
  const { orderId, shopperId, quantity, fingerprint, acceptedAtMs, state, booked, passId } = order;
  const short = `${keyOf(orderId)} ${shopperId} ${quantity}`;
  const pass = passId === undefined ? '' : ` ${PASS_MARK}${passId}`;
  if (state === 'parked') return `${short} ${fingerprint} ${acceptedAtMs} ${booked}${pass}`;
  const isLike = last?.fingerprint === fingerprint && last.acceptedAtMs === acceptedAtMs;
  return isLike ? `${short}${pass}` : `${short} ${fingerprint} ${acceptedAtMs}${pass}`;
}

/** One change of an order's state, as its run keeps it. */
export interface RunChange {
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly state: LedgerStatus;
  readonly reason: string | undefined;
  /** By the clock of PostgreSQL. */
  readonly atMs: number;
  /** With `confirmed`. */
  readonly holdUntilMs: number | undefined;
  /** With `paid`. */
  readonly paymentId: string | undefined;
  /** The epoch in which the gate has to be told. */
  readonly gateEpoch: number;
  /** Units that the gate gets back with that. */
  readonly gateUnits: number;
  /** The shopper's wish that it comes from; the row notes it. */
  readonly intent: IntentPlace | undefined;
}

/** Changes of one item's orders, in their order. */
export function changedRuns(changes: readonly RunChange[]): StoredRun[] {
  const runs: StoredRun[] = [];
  let first: RunChange | undefined;
  let lines: string[] = [];
  const end = (): void => {
    if (first === undefined) return;
    const { state, atMs, holdUntilMs, reason, paymentId, gateEpoch } = first;
    const row = ['changed', gateEpoch] as const;
    runs.push([state, atMs, holdUntilMs ?? null, reason ?? null, paymentId ?? null, lines.join('\n'), row]);
  };
  for (const change of changes) {
    if (first === undefined || !isAlike(first, change)) {
      end();
      first = change;
      lines = [];
    }
    const { orderId, shopperId, quantity, gateUnits, intent } = change;
    const line = `${keyOf(orderId)} ${shopperId} ${quantity} ${gateUnits}`;
    lines.push(intent === undefined ? line : `${line} ${intent.epoch} ${intent.sequence}`);
  }
  end();
  return runs;
}

function isAlike(one: RunChange, other: RunChange): boolean {
  return (
    one.state === other.state &&
    one.atMs === other.atMs &&
    one.holdUntilMs === other.holdUntilMs &&
    one.reason === other.reason &&
    one.paymentId === other.paymentId &&
    one.gateEpoch === other.gateEpoch
  );
}

/** The rows that a run wrote, as they were decided. */
export function decidedOfRun(item: ItemRef, run: StoredRun, row: RunOfNewRows): DecidedOrder[] {
  const [state, , , reason, , orders] = run;
  const [kind, epoch, firstSequence] = row;
  const name = itemName(item);
  let fingerprint = '';
  let acceptedAtMs = 0;
  return orders.split('\n').map((line, index) => {
    const [key = '', shopperId = '', quantity, ...rest] = line.split(' ');
    const passId = rest.at(-1)?.startsWith(PASS_MARK) === true ? rest.pop()?.slice(1) : undefined;
    if (rest[0] !== undefined) fingerprint = rest[0];
    if (rest[1] !== undefined) acceptedAtMs = Number(rest[1]);
    return {
      orderId: `${name}.${key}`,
      saleId: item.saleId,
      productId: item.productId,
      shopperId,
      quantity: Number(quantity),
      fingerprint,
      passId,
      state: state as DecidedOrder['state'],
      reason: (reason ?? undefined) as DecidedOrder['reason'],
      booked: Number(rest[2] ?? 0),
      epoch,
      sequence: firstSequence + index,
      acceptedAtMs,
      takesOver: kind === 'takenOver',
    };
  });
}
