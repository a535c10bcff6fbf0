import type { ItemRef, OrderStatus, RejectionReason } from '@flux/contracts';
import type { SettleRequest, StateWrite } from '@flux/gate';
import type { DecidedOrder, ItemDecision, KnownOrder, LedgerRow } from './decide-batch';
import type { OrderState } from './entities/order.entity';

/** What one transaction did to one item, and what the gate has to hear of it. */
export interface ItemResult extends ItemRef {
  /** Undefined where no event was of the ledger's epoch. */
  readonly settlement: SettleRequest | undefined;
  readonly epoch: number;
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
  /** Orders that had a row already. */
  readonly repeated: number;
}

/** What a shopper reads for a row's state. */
export function statusOf(state: OrderState): OrderStatus {
  return state === 'parked' ? 'accepted' : state;
}

/** The state a record needs written out; `confirmed` follows from the watermark and is not written. */
export function stateWriteOf(
  { orderId, state, shopperId, quantity }: Pick<KnownOrder, 'orderId' | 'state' | 'shopperId' | 'quantity'>,
  changedAtMs: number,
): StateWrite | undefined {
  switch (state) {
    case 'confirmed':
      return undefined;
    case 'parked':
    case 'paid':
      return { orderId, status: statusOf(state), shopperId, quantity: 0, changedAtMs };
    case 'rejected':
    case 'cancelled':
    case 'expired':
      return { orderId, status: state, shopperId, quantity, changedAtMs };
  }
}

/** @param nowMs the transaction's time by PostgreSQL's clock */
export function itemResultOf(before: LedgerRow, decision: ItemDecision, nowMs: number): ItemResult {
  const { ledger, decided, repeated, current, rewound } = decision;
  const { saleId, productId } = ledger;
  const states: StateWrite[] = [];
  const write = (order: Parameters<typeof stateWriteOf>[0], decidedAtMs: number): void => {
    const state = stateWriteOf(order, decidedAtMs);
    if (state !== undefined) states.push(state);
  };
  for (const order of decided) if (order.epoch === ledger.epoch) write(order, nowMs);
  for (const order of repeated) write(order, order.decidedAtMs);
  return {
    saleId,
    productId,
    settlement: current
      ? {
          saleId,
          productId,
          epoch: ledger.epoch,
          watermark: ledger.watermark,
          watermarkOrderId: ledger.watermarkOrderId,
          settledAtMs: nowMs,
          states,
          statesAfter: completeAfter(before, ledger),
        }
      : undefined,
    epoch: ledger.epoch,
    rewound,
    suspended: ledger.suspendedReason,
    counts: countsOf(decided, repeated.length),
  };
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

function countsOf(decided: readonly DecidedOrder[], repeated: number): DecisionCounts {
  const rejected = { 'no-units': 0, 'shopper-limit': 0, 'old-epoch': 0 };
  for (const { reason } of decided) if (reason !== undefined) rejected[reason] += 1;
  return {
    confirmedAcceptedAtMs: decided
      .filter(({ state }) => state === 'confirmed')
      .map(({ acceptedAtMs }) => acceptedAtMs),
    rejected,
    parked: decided.filter(({ state }) => state === 'parked').length,
    repeated,
  };
}
