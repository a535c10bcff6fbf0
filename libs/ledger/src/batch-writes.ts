import { itemName, type ItemRef, type LedgerCause } from '@flux/contracts';
import type { EntityManager } from 'typeorm';
import type { ItemDecision, NotedIntent } from './decide-batch';
import type { Group } from './group-by';
import { queueInsert, RAISED_VERSION, type ItemChange, type ItemNotes, type WrittenRows } from './ledger-log';
import type { DecidedOrder, LedgerRow } from './ledger-row';
import { HISTORY_WITH_STATE, writeChanges } from './order-change';
import { numberArray, textArray } from './sql-array';
import { changedRuns, decidedRuns, keyOf, type StoredRun } from './stored-runs';

export interface WrittenDecision {
  /** As it was locked. */
  readonly before: LedgerRow;
  readonly decision: ItemDecision;
}

/**
 * Writes what was decided under the ledger's lock: rows, intents, counters, and the events of all that changed. Two
 * statements for new orders that fit, four more at most for others, takeovers and intents, whatever their number; none
 * where everything came again.
 * @param nowMs the transaction's time by PostgreSQL's clock
 * @param written what else the transaction has written before, where it decides about one item
 */
export async function writeDecisions(
  manager: EntityManager,
  decisions: readonly WrittenDecision[],
  nowMs: number,
  written?: WrittenRows,
): Promise<void> {
  const holdMs = new Map(decisions.map(({ before }) => [itemName(before), before.holdMs]));
  await writeOrders(
    manager,
    decisions.flatMap(({ decision }) => decision.decided),
    { nowMs, holdMsOf: (item) => holdMs.get(itemName(item)) ?? 0 },
  );
  // After the new rows: an intent may have come with its order.
  await writeChanges(
    manager,
    decisions.flatMap(({ decision }) => decision.cancelled),
  );
  await noteIntents(
    manager,
    decisions.flatMap(({ decision }) => decision.intents),
  );
  const changed = written === undefined ? decisions.filter(changesSomething) : decisions;
  await writeLedger(manager, changed, nowMs, written);
}

/** A redelivered batch writes nothing. */
function changesSomething({
  before,
  decision: { decided, cancelled, intents, ledger },
}: WrittenDecision): boolean {
  return (
    decided.length > 0 ||
    cancelled.length > 0 ||
    intents.length > 0 ||
    ledger.watermark !== before.watermark ||
    ledger.ahead !== before.ahead ||
    ledger.suspendedReason !== before.suspendedReason
  );
}

/** When the rows are written, and how long the confirmed orders hold their units. */
export interface WriteTimes {
  /** The transaction's time by PostgreSQL's clock. Its microseconds are left out: events and rows say the same. */
  readonly nowMs: number;
  readonly holdMsOf: (item: ItemRef) => number;
}

/** The rows of decided orders as a relation; `$15` is the transaction's time. */
const DECIDED = `
  unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::text[],
    $9::integer[], $10::integer[], $11::bigint[], $12::bigint[], $13::integer[], $14::text[]
  ) AS decided (
    order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason,
    booked, epoch, sequence, accepted_at_ms, hold_ms, pass_id
  )`;
const ACCEPTED_AT = "to_timestamp(0) + accepted_at_ms * interval '1 millisecond'";
const DECIDED_AT = "to_timestamp(0) + $15::bigint * interval '1 millisecond'";
const HOLD_UNTIL = `${DECIDED_AT} + hold_ms * interval '1 millisecond'`;

function decidedColumns(orders: readonly DecidedOrder[], { nowMs, holdMsOf }: WriteTimes): string[] {
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
    textArray(orders.map(({ passId }) => passId)),
    String(nowMs),
  ];
}

/**
 * Plain INSERTs, and one UPDATE only where orders take rows over. The ledger's lock and the orders read under it make a
 * conflict impossible but for orders that were expected to be new, and a plain INSERT costs half of one with ON CONFLICT.
 */
export async function writeOrders(
  manager: EntityManager,
  orders: readonly DecidedOrder[],
  times: WriteTimes,
): Promise<void> {
  const confirmed = orders.filter(({ takesOver, state }) => !takesOver && state === 'confirmed');
  const others = orders.filter(({ takesOver, state }) => !takesOver && state !== 'confirmed');
  const takenOver = orders.filter(({ takesOver }) => takesOver);
  if (confirmed.length > 0) await insertConfirmed(manager, confirmed, times);
  if (others.length > 0) {
    await manager.query(
      `INSERT INTO orders (order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason,
                           booked, epoch, sequence, accepted_at, decided_at, hold_until, pass_id)
       SELECT order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason,
              booked, epoch, sequence, ${ACCEPTED_AT}, ${DECIDED_AT}, ${HOLD_UNTIL}, pass_id
       FROM ${DECIDED}`,
      decidedColumns(others, times),
    );
  }
  if (takenOver.length > 0) {
    await manager.query(
      `UPDATE orders SET
         shopper_id = decided.shopper_id, quantity = decided.quantity, fingerprint = decided.fingerprint,
         state = decided.state, reason = decided.reason, booked = decided.booked, epoch = decided.epoch,
         sequence = decided.sequence, accepted_at = ${ACCEPTED_AT}, decided_at = ${DECIDED_AT}, hold_until = ${HOLD_UNTIL},
         pass_id = decided.pass_id,
         cancel_epoch = NULL, cancel_sequence = NULL, history = ${HISTORY_WITH_STATE}
       FROM ${DECIDED}
       WHERE orders.order_id = decided.order_id`,
      decidedColumns(takenOver, times),
    );
  }
}

/** Nearly all orders: what neighbours have in common is sent once, which saves a sixth of the INSERT. */
async function insertConfirmed(
  manager: EntityManager,
  orders: readonly DecidedOrder[],
  { nowMs, holdMsOf }: WriteTimes,
): Promise<void> {
  const groups = groupsOf(orders);
  await manager.query(
    `INSERT INTO orders (order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state,
                         epoch, sequence, accepted_at, decided_at, hold_until, pass_id)
     SELECT order_id, ($9::text[])[place], ($10::text[])[place], shopper_id, quantity, fingerprint, 'confirmed',
            ($11::integer[])[place], sequence, ${ACCEPTED_AT}, $13::timestamptz,
            $13::timestamptz + ($12::integer[])[place] * interval '1 millisecond', pass_id
     FROM unnest($1::integer[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::bigint[], $7::bigint[], $8::text[])
       AS confirmed (place, order_id, shopper_id, quantity, fingerprint, sequence, accepted_at_ms, pass_id)`,
    [
      numberArray(groups.flatMap((group, index) => group.map(() => index + 1))),
      textArray(orders.map(({ orderId }) => orderId)),
      textArray(orders.map(({ shopperId }) => shopperId)),
      numberArray(orders.map(({ quantity }) => quantity)),
      textArray(orders.map(({ fingerprint }) => fingerprint)),
      numberArray(orders.map(({ sequence }) => sequence)),
      numberArray(orders.map(({ acceptedAtMs }) => acceptedAtMs)),
      textArray(orders.map(({ passId }) => passId)),
      textArray(groups.map(([{ saleId }]) => saleId)),
      textArray(groups.map(([{ productId }]) => productId)),
      numberArray(groups.map(([{ epoch }]) => epoch)),
      numberArray(groups.map(([order]) => holdMsOf(order))),
      new Date(nowMs).toISOString(),
    ],
  );
}

/** Neighbours of one item and epoch, in their order. */
function groupsOf(orders: readonly DecidedOrder[]): readonly Group<DecidedOrder>[] {
  const groups: [DecidedOrder, ...DecidedOrder[]][] = [];
  for (const order of orders) {
    const group = groups.at(-1);
    if (group !== undefined && isAlike(group[0], order)) group.push(order);
    else groups.push([order]);
  }
  return groups;
}

function isAlike(one: DecidedOrder, other: DecidedOrder): boolean {
  return one.epoch === other.epoch && one.productId === other.productId && one.saleId === other.saleId;
}

export async function noteIntents(manager: EntityManager, intents: readonly NotedIntent[]): Promise<void> {
  if (intents.length === 0) return;
  await manager.query(
    `UPDATE orders SET cancel_epoch = noted.epoch, cancel_sequence = noted.sequence
     FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS noted (order_id, epoch, sequence)
     WHERE orders.order_id = noted.order_id`,
    [
      textArray(intents.map(({ orderId }) => orderId)),
      numberArray(intents.map(({ epoch }) => epoch)),
      numberArray(intents.map(({ sequence }) => sequence)),
    ],
  );
}

/** The ledger's rows, and beside them the events: a statement of their own would be one more round trip. */
async function writeLedger(
  manager: EntityManager,
  decisions: readonly WrittenDecision[],
  nowMs: number,
  written?: WrittenRows,
): Promise<void> {
  if (decisions.length === 0) return;
  const rows = decisions.map(({ decision }) => decision.ledger);
  const changes = decisions.map((decision) => itemChangeOf(decision, nowMs));
  const queued = queueInsert(changes, LEDGER_PARAMETERS + 1, written);
  await manager.query(
    `WITH raised AS (
       UPDATE ledger SET
         held = changed.held, parked = changed.parked, watermark = changed.watermark,
         watermark_order_id = changed.watermark_order_id, ahead = changed.ahead,
         suspended_reason = changed.suspended_reason, ${RAISED_VERSION}
       FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::bigint[], $6::text[], $7::jsonb[], $8::text[])
         AS changed (sale_id, product_id, held, parked, watermark, watermark_order_id, ahead, suspended_reason)
       WHERE ledger.sale_id = changed.sale_id AND ledger.product_id = changed.product_id
       RETURNING ledger.*
     )
     ${queued.statement}`,
    [
      rows.map(({ saleId }) => saleId),
      rows.map(({ productId }) => productId),
      rows.map(({ held }) => held),
      rows.map(({ parked }) => parked),
      rows.map(({ watermark }) => watermark),
      rows.map(({ watermarkOrderId }) => watermarkOrderId),
      rows.map(({ ahead }) => JSON.stringify(ahead)),
      rows.map(({ suspendedReason }) => suspendedReason ?? null),
      ...queued.parameters,
    ],
  );
}

/** Parameters of the UPDATE in `writeLedger`; those of the events follow. */
const LEDGER_PARAMETERS = 8;

/** All that is written of an item, each order's in its order. A parked order is to its shopper still accepted. */
function itemChangeOf({ before, decision }: WrittenDecision, nowMs: number): ItemChange {
  const { ledger, decided, cancelled, intents } = decision;
  const { saleId, productId, holdMs } = ledger;
  const runs = decidedRuns(decided, { nowMs, holdMs });
  const parked = runs.filter(([state]) => state === 'parked');
  const told = parked.length > 0 ? runs.filter(([state]) => state !== 'parked') : runs;
  const notes = notesOf(parked, intents, ledger.suspendedReason !== before.suspendedReason);
  return {
    saleId,
    productId,
    runs: [...told, ...changedRuns(cancelled)],
    ...(notes === undefined ? {} : { notes }),
  };
}

/** Undefined for nearly all transactions: they only confirm. */
function notesOf(
  parked: readonly StoredRun[],
  intents: readonly NotedIntent[],
  isSuspended: boolean,
): ItemNotes | undefined {
  if (parked.length + intents.length === 0 && !isSuspended) return undefined;
  const causes: LedgerCause[] = [];
  if (parked.length > 0) causes.push('parked');
  if (isSuspended) causes.push('suspended');
  return {
    ...(causes.length > 0 ? { causes } : {}),
    ...(parked.length > 0 ? { parked } : {}),
    ...(intents.length > 0 ? { intents: intentLines(intents) } : {}),
  };
}

function intentLines(intents: readonly NotedIntent[]): string {
  return intents.map(({ orderId, epoch, sequence }) => `${keyOf(orderId)} ${epoch} ${sequence}`).join('\n');
}
