import { catchUpStep } from '../../../libs/ledger/src/catch-up';
import { decideItem, type ItemDecision } from '../../../libs/ledger/src/decide-batch';
import type { KnownOrder, LedgerRow } from '../../../libs/ledger/src/ledger-row';
import { changeOrder } from '../../../libs/ledger/src/order-change';
import { itemResultOf } from '../../../libs/ledger/src/settlement';
import type { OrdersAccepted, OrderStatus } from '@flux/contracts';
import type { SettleRequest } from '@flux/gate';
import type { Context } from './rules';
import {
  booksKey,
  type Gate,
  type Ledger,
  type Message,
  type OrderId,
  type Row,
  type Settlement,
} from './state';

/** The ledger's side: the product's own decisions, on rows that are kept in memory. */

const ITEM = { saleId: 'sale', productId: 'product' };
const NOW_MS = 1_000;
/** Beyond every offset: what a ledger that fences nothing believes. */
const NEVER_CLOSED = 1_000_000;
const NO_UNITS = new Map<string, number>();

export interface Books {
  readonly ledger: Ledger;
  readonly rows: Readonly<Record<OrderId, Row>>;
}

export interface Applied extends Books {
  readonly settlement: Settlement | undefined;
}

interface Delivery {
  readonly offset: number;
  readonly context: Context;
}

/** By context, what was decided before: most states differ in something else. */
const decisions = new WeakMap<Context, Map<string, Applied>>();

/** One message in one transaction, by `decideItem` and `itemResultOf`. */
export function applyMessage(books: Books, message: Message, { offset, context }: Delivery): Applied {
  const known = decisions.get(context) ?? new Map<string, Applied>();
  decisions.set(context, known);
  const { epoch, sequence, orderId } = message;
  const question = `${booksKey(books)} ${offset} ${epoch} ${sequence} ${orderId}`;
  const before = known.get(question);
  if (before !== undefined) return before;
  const applied = decide(books, message, { offset, context });
  known.set(question, applied);
  return applied;
}

function decide({ ledger, rows }: Books, message: Message, { offset, context }: Delivery): Applied {
  const before = rowOf(ledger, context);
  const decision = decideItem({
    ledger: before,
    known: knownOf(rows),
    unitsOf: NO_UNITS,
    events: [{ event: eventOf(message), offset: BigInt(offset) }],
    nowMs: NOW_MS,
  });
  const { settlement } = itemResultOf(before, decision, NOW_MS);
  return {
    ledger: ledgerOf(ledger, decision),
    rows: rowsAfter(rows, decision),
    settlement: settlement === undefined ? undefined : settlementOf(settlement),
  };
}

/** A confirmed order's hold runs out, or it is paid. */
export function change({ ledger, rows }: Books, row: Row, action: 'expire' | 'pay'): Books {
  const order = { ...knownOrderOf(row), booked: 0 };
  const context = { ledger: { ...ITEM, epoch: ledger.epoch, holdMs: 0 }, nowMs: NOW_MS };
  const changed = changeOrder(order, action, context);
  if (changed === undefined) throw new Error(`the life-cycle refuses to ${action} a confirmed order`);
  const { held, sold } = changed.counters;
  const state = action === 'pay' ? 'paid' : 'expired';
  return {
    ledger: { ...ledger, held: ledger.held + held, sold: ledger.sold + sold },
    rows: { ...rows, [row.orderId]: { ...row, state, untold: changed.gateEpoch } },
  };
}

export type CaughtUp =
  | { readonly outcome: 'settle'; readonly settlement: Settlement }
  | { readonly outcome: 'nothing' | 'rewound' };

/** What a gate that is behind lacks, by `catchUpStep`. */
export function catchUp({ ledger, rows }: Books, gate: Gate): CaughtUp {
  const { epoch, watermark } = ledger;
  const settled = gate.watermark ?? 0;
  const events = gate.outbox
    .filter(({ sequence }) => sequence > settled)
    .map((entry) => eventOf({ ...entry, epoch: gate.epoch }));
  const step = catchUpStep({ ...ITEM, epoch, settled, watermark, events, known: knownOf(rows) });
  return step.outcome === 'settle'
    ? { outcome: 'settle', settlement: settlementOf(step.request) }
    : { outcome: step.outcome };
}

export function eventOf({ epoch, sequence, orderId }: Message): OrdersAccepted {
  return {
    type: 'orders-accepted.v1',
    ...ITEM,
    epoch,
    firstSequence: sequence,
    acceptedAtMs: NOW_MS,
    orders: [{ orderId, shopperId: orderId, quantity: 1, fingerprint: orderId }],
  };
}

export function knownOf(rows: Books['rows']): ReadonlyMap<string, KnownOrder> {
  return new Map(Object.values(rows).map((row) => [row.orderId, knownOrderOf(row)]));
}

function knownOrderOf({ orderId, state, reason, epoch, sequence }: Row): KnownOrder {
  return {
    ...{ orderId, shopperId: orderId, quantity: 1, state, reason, booked: 0 },
    ...{ epoch, sequence, decidedAtMs: NOW_MS, intent: undefined },
  };
}

function rowOf(ledger: Ledger, { bounds, rules }: Context): LedgerRow {
  const { epoch, watermark, watermarkOrderId, ahead, held, suspended } = ledger;
  const offset = rules.fencesOldEpochs ? ledger.epochOffset : NEVER_CLOSED;
  return {
    ...ITEM,
    ...{
      initial: bounds.initial,
      held,
      sold: ledger.sold,
      parked: 0,
      epoch,
      watermark,
      watermarkOrderId,
      ahead,
    },
    epochOffset: offset === undefined ? undefined : BigInt(offset),
    suspendedReason: suspended ? 'suspended' : undefined,
    perShopperLimit: 10,
    holdMs: 0,
  };
}

function ledgerOf(before: Ledger, { ledger }: ItemDecision): Ledger {
  const { watermark, watermarkOrderId, ahead, held, suspendedReason } = ledger;
  return { ...before, watermark, watermarkOrderId, ahead, held, suspended: suspendedReason !== undefined };
}

function rowsAfter(rows: Books['rows'], { decided }: ItemDecision): Books['rows'] {
  if (decided.length === 0) return rows;
  const after: Record<OrderId, Row> = { ...rows };
  for (const { orderId, state, reason, epoch, sequence, takesOver } of decided) {
    if (takesOver !== (after[orderId] !== undefined)) throw new Error(`${orderId} would get a second row`);
    if (state === 'parked') throw new Error('nothing is parked here');
    after[orderId] = { orderId, state, reason, epoch, sequence, untold: undefined };
  }
  return after;
}

function settlementOf({
  epoch,
  watermark,
  watermarkOrderId,
  statesAfter,
  states,
}: SettleRequest): Settlement {
  return {
    ...{ epoch, watermark, watermarkOrderId },
    statesAfter: statesAfter ?? -1,
    states: states.map(({ orderId, status }) => [orderId, letterOf(status)] as const),
  };
}

function letterOf(status: OrderStatus): 'r' | 'e' | 'p' {
  if (status === 'rejected') return 'r';
  return status === 'paid' ? 'p' : 'e';
}
