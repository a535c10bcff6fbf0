import {
  nextState,
  UNITS_COUNTER,
  type ItemRef,
  type LedgerStatus,
  type OrderAction,
  type OrderState,
} from '@flux/contracts';
import type { EntityManager } from 'typeorm';
import type { IntentPlace, LedgerRow } from './ledger-row';
import { noteChange, queueInsert, RAISED_VERSION, type ChangeNote } from './ledger-log';
import { numberArray, textArray } from './sql-array';
import { changedRuns, type RunChange } from './stored-runs';

/** An order's row, as it must be known to change it: read under the lock of its item's ledger row. */
export interface ChangeableOrder {
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly state: OrderState;
  /** Units booked while parked. */
  readonly booked: number;
  readonly decidedAtMs: number;
}

/** What an order becomes, and what that does to its item's counters and to the gate. */
export interface OrderChange extends ItemRef, RunChange {
  readonly holdMs: number | undefined;
  readonly counters: CountersChange;
}

/** What is added to a ledger row's counters. */
export interface CountersChange {
  readonly held: number;
  readonly sold: number;
  readonly parked: number;
}

export interface ChangeContext {
  /** As locked. */
  readonly ledger: Pick<LedgerRow, 'saleId' | 'productId' | 'epoch' | 'holdMs'>;
  /** The transaction's time by PostgreSQL's clock. */
  readonly nowMs: number;
  readonly reason?: string;
  readonly paymentId?: string;
  readonly intent?: IntentPlace;
}

/** What an action makes of an order, or undefined where the life-cycle refuses it. Changes nothing itself. */
export function changeOrder(
  order: ChangeableOrder,
  action: OrderAction,
  { ledger, nowMs, reason, paymentId, intent }: ChangeContext,
): OrderChange | undefined {
  const state = nextState(order.state, action);
  // No action leads to `parked`.
  if (state === undefined || state === 'parked') return undefined;
  // A transaction that began earlier can get the lock later.
  const atMs = Math.max(nowMs, order.decidedAtMs);
  const holdMs = state === 'confirmed' ? ledger.holdMs : undefined;
  return {
    saleId: ledger.saleId,
    productId: ledger.productId,
    orderId: order.orderId,
    shopperId: order.shopperId,
    quantity: order.quantity,
    state,
    reason,
    atMs,
    holdMs,
    holdUntilMs: holdMs === undefined ? undefined : atMs + holdMs,
    paymentId,
    gateEpoch: ledger.epoch,
    gateUnits: UNITS_COUNTER[state] === undefined ? unitsOf(order) : 0,
    counters: countersChange(order, state),
    intent,
  };
}

/** The sum of what changes do to their item's counters. */
export function sumOfCounters(changes: readonly Pick<OrderChange, 'counters'>[]): CountersChange {
  const sum = { held: 0, sold: 0, parked: 0 };
  for (const { counters } of changes) {
    sum.held += counters.held;
    sum.sold += counters.sold;
    sum.parked += counters.parked;
  }
  return sum;
}

/** For an UPDATE of `orders`: its history with the state that ends. */
export const HISTORY_WITH_STATE = `
  coalesce(history, '[]') || jsonb_strip_nulls(jsonb_build_object(
    'status', CASE orders.state WHEN 'parked' THEN 'accepted' ELSE orders.state END,
    'at', to_char(orders.decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'reason', orders.reason
  ))`;

/** A change as far as the order's row has it. */
export type RowChange = Pick<
  OrderChange,
  'orderId' | 'state' | 'reason' | 'atMs' | 'holdUntilMs' | 'gateEpoch' | 'gateUnits' | 'intent'
>;

/** Writes the orders' rows in one statement: what they were goes to their history. Each order once. */
export async function writeChanges(manager: EntityManager, changes: readonly RowChange[]): Promise<void> {
  if (changes.length === 0) return;
  await manager.query(UPDATE_ORDERS, orderColumns(changes));
}

/**
 * Writes changes of one item whole, in the transaction that holds its ledger row: rows, counters, events. One
 * statement whatever their number, since the item is locked meanwhile.
 * @param alongside what else the transaction has written before; it is noted even where no order changes
 */
export async function applyChanges(
  manager: EntityManager,
  item: ItemRef,
  changes: readonly OrderChange[],
  alongside?: ChangeNote,
): Promise<void> {
  if (changes.length === 0) {
    if (alongside !== undefined) await noteChange(manager, item, alongside);
    return;
  }
  const { saleId, productId } = item;
  const { held, sold, parked } = sumOfCounters(changes);
  const columns = orderColumns(changes);
  const counters = [saleId, productId, held, sold, parked];
  const { written, ...notes } = alongside ?? {};
  const queued = queueInsert(
    [{ saleId, productId, runs: changedRuns(changes), ...(alongside === undefined ? {} : { notes }) }],
    columns.length + counters.length + 1,
    written,
  );
  await manager.query(
    `WITH changed_orders AS (${UPDATE_ORDERS}),
          raised AS (
            UPDATE ledger SET held = held + $12, sold = sold + $13, parked = parked + $14, ${RAISED_VERSION}
            WHERE sale_id = $10 AND product_id = $11
            RETURNING ledger.*
          )
     ${queued.statement}`,
    [...columns, ...counters, ...queued.parameters],
  );
}

const UPDATE_ORDERS = `
  UPDATE orders SET
    history = ${HISTORY_WITH_STATE},
    state = changed.state, reason = changed.reason, booked = 0,
    decided_at = to_timestamp(0) + at_ms * interval '1 millisecond',
    hold_until = to_timestamp(0) + hold_until_ms * interval '1 millisecond',
    gate_epoch = changed.gate_epoch, gate_units = changed.gate_units,
    cancel_epoch = coalesce(changed.cancel_epoch, orders.cancel_epoch),
    cancel_sequence = coalesce(changed.cancel_sequence, orders.cancel_sequence)
  FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::integer[], $7::integer[],
    $8::integer[], $9::bigint[]
  ) AS changed (
    order_id, state, reason, at_ms, hold_until_ms, gate_epoch, gate_units, cancel_epoch, cancel_sequence
  )
  WHERE orders.order_id = changed.order_id`;

function orderColumns(changes: readonly RowChange[]): string[] {
  return [
    textArray(changes.map(({ orderId }) => orderId)),
    textArray(changes.map(({ state }) => state)),
    textArray(changes.map(({ reason }) => reason)),
    numberArray(changes.map(({ atMs }) => atMs)),
    numberArray(changes.map(({ holdUntilMs }) => holdUntilMs)),
    numberArray(changes.map(({ gateEpoch }) => gateEpoch)),
    numberArray(changes.map(({ gateUnits }) => gateUnits)),
    numberArray(changes.map(({ intent }) => intent?.epoch)),
    numberArray(changes.map(({ intent }) => intent?.sequence)),
  ];
}

/** Units that the ledger has for the order now. */
function unitsOf({ state, quantity, booked }: ChangeableOrder): number {
  const counter = UNITS_COUNTER[state];
  if (counter === undefined) return 0;
  return counter === 'parked' ? booked : quantity;
}

function countersChange(order: ChangeableOrder, to: LedgerStatus): CountersChange {
  const change = { held: 0, sold: 0, parked: 0 };
  const before = UNITS_COUNTER[order.state];
  if (before !== undefined) change[before] -= unitsOf(order);
  const after = UNITS_COUNTER[to];
  if (after !== undefined) change[after] += order.quantity;
  return change;
}
