import type { AcceptedOrder, ItemRef, OrderState, RejectionReason } from '@flux/contracts';
import type { AppliedSequences } from './advance-watermark';

/** An item's ledger row as it is locked, with what the operator set for the item. */
export interface LedgerRow extends ItemRef, AppliedSequences {
  readonly initial: number;
  readonly held: number;
  readonly sold: number;
  readonly parked: number;
  readonly epoch: number;
  /** The last Kafka offset at which events of older epochs count. */
  readonly epochOffset: bigint | undefined;
  readonly suspendedReason: string | undefined;
  readonly perShopperLimit: number;
  readonly holdMs: number;
}

/** Units that nobody has. */
export function freeUnits({
  initial,
  held,
  sold,
  parked,
}: Pick<LedgerRow, 'initial' | 'held' | 'sold' | 'parked'>): number {
  return initial - held - sold - parked;
}

/** The place of a shopper's wish to cancel among its item's events. */
export interface IntentPlace {
  readonly epoch: number;
  readonly sequence: number;
}

/** An order that has a row. */
export interface KnownOrder {
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly state: OrderState;
  readonly reason: string | undefined;
  /** Units booked while parked. */
  readonly booked: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly decidedAtMs: number;
  /** The shopper's wish to cancel it, where one came. */
  readonly intent: IntentPlace | undefined;
}

/** A row to write. */
export interface DecidedOrder extends AcceptedOrder, ItemRef {
  readonly state: 'confirmed' | 'rejected' | 'parked';
  readonly reason: RejectionReason | undefined;
  readonly booked: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly acceptedAtMs: number;
  /** The order has a row already, rejected as old-epoch: this one takes it over. */
  readonly takesOver: boolean;
}

/** A row rejected only because its epoch had ended gives way to the same order accepted in a newer one. */
export function givesWay(
  {
    state,
    reason,
    epoch,
  }: { readonly state: OrderState; readonly reason: string | null | undefined; readonly epoch: number },
  newerEpoch: number,
): boolean {
  return state === 'rejected' && reason === ('old-epoch' satisfies RejectionReason) && epoch < newerEpoch;
}
