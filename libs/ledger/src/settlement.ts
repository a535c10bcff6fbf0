import { statusOfState, type ItemRef, type OrderState, type RejectionReason } from '@flux/contracts';
import type { SettleRequest, StateWrite } from '@flux/gate';
import type { ItemDecision } from './decide-batch';
import type { DecidedOrder, LedgerRow } from './ledger-row';

/** What one transaction did to one item, and what the gate has to hear of it. */
export interface ItemResult extends ItemRef {
  /** Undefined where no event was of the ledger's epoch. */
  readonly settlement: SettleRequest | undefined;
  /** Orders that this transaction ended: the gate has to be told, and gets their units back. */
  readonly untold: readonly string[];
  readonly epoch: number;
  /** The transaction's time by PostgreSQL's clock. */
  readonly decidedAtMs: number;
  /** Why these events prove that Redis went back in time. */
  readonly rewound: string | undefined;
  /** Why the item waits for a rebuild, be it since now or since earlier: its gate must be suspended. */
  readonly suspended: string | undefined;
  readonly counts: DecisionCounts;
}

export interface DecisionCounts {
  /** When each order that is confirmed now was accepted, in ms. */
  readonly confirmedAcceptedAtMs: readonly number[];
  readonly rejected: Readonly<Record<RejectionReason, number>>;
  readonly parked: number;
  /** Orders that their shoppers gave up. */
  readonly cancelled: number;
  /** Orders that had a row already. */
  readonly repeated: number;
  /** Wishes to cancel that met no order. */
  readonly unmetIntents: number;
}

/** The state a record needs written out; `confirmed` follows from the watermark and is not written. */
export function stateWriteOf(
  order: {
    readonly orderId: string;
    readonly state: OrderState;
    readonly shopperId: string;
    readonly quantity: number;
  },
  changedAtMs: number,
): StateWrite | undefined {
  const { orderId, state, shopperId, quantity } = order;
  switch (state) {
    case 'confirmed':
      return undefined;
    case 'parked':
    case 'paid':
      return { orderId, status: statusOfState(state), shopperId, quantity: 0, changedAtMs };
    case 'rejected':
    case 'cancelled':
    case 'expired':
      return { orderId, status: state, shopperId, quantity, changedAtMs };
  }
}

/** @param nowMs the transaction's time by PostgreSQL's clock */
export function itemResultOf(before: LedgerRow, decision: ItemDecision, nowMs: number): ItemResult {
  const { ledger, cancelled, current, rewound } = decision;
  const { saleId, productId, epoch, watermark, watermarkOrderId } = ledger;
  return {
    saleId,
    productId,
    settlement: current
      ? {
          ...{ saleId, productId, epoch, watermark, watermarkOrderId },
          runs: watermark === 0 ? [] : [{ upTo: watermark, atMs: nowMs }],
          states: statesOf(decision, nowMs),
          statesAfter: completeAfter(before, ledger),
        }
      : undefined,
    untold: cancelled.map(({ orderId }) => orderId),
    epoch,
    decidedAtMs: nowMs,
    rewound,
    suspended: ledger.suspendedReason,
    counts: countsOf(decision),
  };
}

/** What the events' orders are now, where that is not `confirmed`. */
function statesOf({ ledger, decided, repeated, cancelled }: ItemDecision, nowMs: number): StateWrite[] {
  const states: StateWrite[] = [];
  const ended = new Set(cancelled.map(({ orderId }) => orderId));
  const write = (order: Parameters<typeof stateWriteOf>[0], decidedAtMs: number): void => {
    const state = stateWriteOf(order, decidedAtMs);
    if (state !== undefined) states.push(state);
  };
  for (const order of decided) {
    if (order.epoch === ledger.epoch && !ended.has(order.orderId)) write(order, nowMs);
  }
  for (const order of repeated) if (!ended.has(order.orderId)) write(order, order.decidedAtMs);
  for (const order of cancelled) write(order, order.atMs);
  return states;
}

/**
 * Above which sequence the states of this transaction are all there are: above the watermark before it. Where the
 * watermark went over what earlier transactions had applied beyond a gap, only above the new one: whether the gate
 * has heard of those states is not known here, and it answers `behind`.
 */
function completeAfter(before: LedgerRow, after: LedgerRow): number {
  const bridged = before.ahead.some(({ from }) => from <= after.watermark);
  return bridged ? after.watermark : before.watermark;
}

function countsOf({ decided, cancelled, repeated, unmetIntents }: ItemDecision): DecisionCounts {
  const rejected = { 'no-units': 0, 'shopper-limit': 0, 'old-epoch': 0 };
  for (const { reason } of decided) if (reason !== undefined) rejected[reason] += 1;
  return {
    confirmedAcceptedAtMs: decided
      .filter(({ state }: DecidedOrder) => state === 'confirmed')
      .map(({ acceptedAtMs }) => acceptedAtMs),
    rejected,
    parked: decided.filter(({ state }) => state === 'parked').length,
    cancelled: cancelled.length,
    repeated: repeated.length,
    unmetIntents,
  };
}
