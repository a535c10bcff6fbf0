import type { OrderStatus } from '@flux/contracts';
import type { GateOrder } from './outcomes';

/** A state that settle writes out in a record; `confirmed` mostly follows from the watermark. */
export interface StateWrite {
  readonly orderId: string;
  readonly status: OrderStatus;
  readonly shopperId: string;
  /** Units to take off the shopper's count with the first write of an ending state; 0 where none. */
  readonly quantity: number;
  readonly changedAtMs: number;
}

/** The ledger committed the sequences after the run before it, up to `upTo`, at `atMs` by PostgreSQL's clock. */
export interface SettledRun {
  readonly upTo: number;
  readonly atMs: number;
}

export interface SettleRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  /** The sequence up to which nothing is missing in the ledger; 0 raises nothing and only writes states. */
  readonly watermark: number;
  /** The order that has the watermark's sequence, as its own or as that of its cancel intent. */
  readonly watermarkOrderId: string;
  /** Ascending; the last ends at the watermark. Empty where that is 0. Those the gate knows do no harm. */
  readonly runs: readonly SettledRun[];
  /** The orders whose status is not `confirmed`; a repeat changes nothing. */
  readonly states: readonly StateWrite[];
  /**
   * Set: `states` names every order above this sequence that is not `confirmed`. A gate whose watermark is lower has
   * missed a settle and answers `behind`, so that a rejected order never reads as confirmed. Left out: not checked.
   */
  readonly statesAfter?: number;
}

export type SettleOutcome =
  | { readonly outcome: 'settled'; readonly trimmed: number }
  /** The gate has another epoch: nothing changed. */
  | { readonly outcome: 'otherEpoch'; readonly epoch: number }
  /** The item's keys are gone: nothing to do. */
  | { readonly outcome: 'gone' }
  /** The gate of this epoch is being rebuilt: nothing changed, try again later. */
  | { readonly outcome: 'notReady' }
  /** An earlier settle is missing: nothing changed. Settle again with all states above this watermark. */
  | { readonly outcome: 'behind'; readonly watermark: number }
  /** The gate does not know the watermark's order: Redis went back in time. The item is closed for a rebuild. */
  | { readonly outcome: 'rewound' };

/** A shopper's wish to give an order up; the order id names the item. */
export interface CancelRequest {
  readonly orderId: string;
  readonly shopperId: string;
}

export type CancelOutcome =
  /** The intent has a sequence and an outbox entry; the order keeps its status until the ledger has decided. */
  | { readonly outcome: 'requested'; readonly order: GateOrder }
  /** Asked for before, or cancelled already: nothing was written. */
  | { readonly outcome: 'repeated'; readonly order: GateOrder }
  /** Paid, rejected or expired. */
  | { readonly outcome: 'notCancellable'; readonly order: GateOrder }
  /** No such order, or another shopper's. */
  | { readonly outcome: 'unknownOrder' }
  /** The item's key is missing, older than an epoch this process has seen, suspended, or dated to end. */
  | { readonly outcome: 'notReady' };

/** What goes back to the gate, once per change id. */
export interface Release {
  /** `releaseIdOf(orderId)` for the end of an order. */
  readonly changeId: string;
  readonly orderId: string;
  /**
   * The state that the order's record goes forward to. An order that the gate never gave units to (no record, or
   * rejected) has none to give back. undefined: units that a late payment took are given back; the record is neither
   * asked nor changed.
   */
  readonly status: OrderStatus | undefined;
  readonly shopperId: string;
  /** Units that go back to the stock. */
  readonly units: number;
  /**
   * Units that come off the shopper's count, unless an earlier ending state did that; with `status` undefined in any
   * case.
   */
  readonly counted: number;
  readonly changedAtMs: number;
}

export interface ReleaseRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  readonly releases: readonly Release[];
}

export type ReleaseOutcome =
  /** How many of them were new to the gate and had something to give back. All are done. */
  | { readonly outcome: 'released'; readonly released: number }
  /** Counted by a newer epoch, or the item's keys have ended: nothing to do. */
  | { readonly outcome: 'done' }
  /** An older epoch, or the stock is missing: nothing changed, try again later. */
  | { readonly outcome: 'notReady' };

/** Units for an order that had ended and is paid late. */
export interface RetakeRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  readonly changeId: string;
  readonly shopperId: string;
  readonly quantity: number;
}

export type RetakeOutcome =
  /** Out of the stock and on the shopper's count. */
  | { readonly outcome: 'taken' }
  /** This change id took them before, or a newer epoch has counted them. */
  | { readonly outcome: 'done' }
  | { readonly outcome: 'insufficient' }
  | { readonly outcome: 'shopperLimit' }
  /** An older epoch, suspended, or the stock is missing: nothing changed, try again later. */
  | { readonly outcome: 'notReady' }
  /** The item's key is missing. */
  | { readonly outcome: 'gone' };

export interface ForgetRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly shopperId: string;
  /** A shopper id that stands for nobody; the same one at a repeat. */
  readonly pseudonym: string;
  /** All orders of the shopper; those of others stay as they are. */
  readonly orderIds: readonly string[];
}

export type ForgetOutcome = { readonly outcome: 'forgotten' } | { readonly outcome: 'gone' };
