import type { OrderStatus } from '@flux/contracts';

/** An order as the gate knows it: the idempotency record and the status in one. */
export interface GateOrder {
  readonly orderId: string;
  readonly saleId: string;
  readonly productId: string;
  readonly quantity: number;
  readonly status: OrderStatus;
  /** 0 where a rebuild wrote the record. */
  readonly sequence: number;
  readonly acceptedAtMs: number;
  readonly updatedAtMs: number;
}

/** One purchase, already validated. */
export interface ReserveRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly fingerprint: string;
  /** The shopper named the sale: then it need not be the product's current one. */
  readonly saleNamed: boolean;
}

/** What the gate said of one purchase. Every value but the last two is a decision; `unavailable` had no effect. */
export type ReserveOutcome =
  | { readonly outcome: 'accepted'; readonly order: GateOrder }
  | { readonly outcome: 'replayed'; readonly order: GateOrder }
  /** The key was used for another payload. */
  | { readonly outcome: 'reused' }
  | { readonly outcome: 'soldOut'; readonly version: number; readonly available: number }
  | { readonly outcome: 'shopperLimit'; readonly limit: number }
  | { readonly outcome: 'notOpen'; readonly reason: 'early' | 'paused'; readonly opensInMs: number }
  | { readonly outcome: 'closed' }
  /** The product's current sale is another one now. */
  | { readonly outcome: 'moved'; readonly saleId: string }
  /** A key is missing, or the item waits for its rebuild. */
  | { readonly outcome: 'notReady' }
  /** Certainly without effect: never sent, or refused by Redis before the first write. */
  | { readonly outcome: 'unavailable'; readonly reason: string }
  /** Sent, and no answer: the same key later gives the one answer. */
  | { readonly outcome: 'unknown' };

/** A state that settle or release writes out in a record; `confirmed` mostly follows from the watermark. */
export interface StateWrite {
  readonly orderId: string;
  readonly status: OrderStatus;
  readonly shopperId: string;
  /** Units to take off the shopper's count with the first write of an ending state; 0 where none. */
  readonly quantity: number;
  readonly changedAtMs: number;
}

export interface SettleRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  /** The sequence up to which nothing is missing in the ledger; 0 raises nothing. */
  readonly watermark: number;
  /** The order that has the watermark's sequence. */
  readonly watermarkOrderId: string;
  readonly settledAtMs: number;
  readonly states: readonly StateWrite[];
}

export type SettleOutcome =
  | { readonly outcome: 'settled'; readonly trimmed: number }
  /** The gate has another epoch: nothing changed. */
  | { readonly outcome: 'otherEpoch'; readonly epoch: number }
  /** The item's keys are gone: nothing to do. */
  | { readonly outcome: 'gone' }
  /** The gate does not know the watermark's order: Redis went back in time. The item is closed for a rebuild. */
  | { readonly outcome: 'rewound' };

export interface OpenRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  readonly available: number;
  readonly perShopperLimit: number;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
}

export type OpenOutcome =
  { readonly outcome: 'opened' } | { readonly outcome: 'alreadyOpened'; readonly state: ItemState };

/** `suspended` items answer NOT_READY until they are rebuilt. */
export type ItemState = 'open' | 'paused' | 'closed' | 'suspended';

/** Pause, resume, close, suspend: `done` also where the item was in that state already. */
export type TransitionOutcome =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'refused'; readonly state: ItemState }
  | { readonly outcome: 'gone' };

export interface AdjustRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  readonly changeId: string;
  /** Units: positive gives, negative takes. */
  readonly delta: number;
}

export type AdjustOutcome =
  | { readonly outcome: 'applied'; readonly available: number }
  /** This change id was applied before, or a newer epoch has counted it. */
  | { readonly outcome: 'done' }
  | { readonly outcome: 'insufficient'; readonly available: number }
  /** Keys missing, or an older epoch: try again later. */
  | { readonly outcome: 'notReady' };

export interface ReleaseRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  readonly orderId: string;
  readonly status: 'cancelled' | 'expired';
  readonly shopperId: string;
  /** Units that go back to the stock and off the shopper's count. */
  readonly quantity: number;
  readonly changedAtMs: number;
}

export type ReleaseOutcome =
  | { readonly outcome: 'released'; readonly available: number }
  /** Released before, counted by a newer epoch, or the item's keys have ended. */
  | { readonly outcome: 'done' }
  | { readonly outcome: 'notReady' };

/** The item's counters as the gate has them, read in one step. */
export interface GateItem {
  readonly epoch: number;
  readonly state: ItemState;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly perShopperLimit: number;
  readonly sequence: number;
  readonly watermark: number;
  readonly version: number;
  /** undefined where the stock key is missing. */
  readonly available: number | undefined;
  /** Entries in the outbox. */
  readonly outboxLength: number;
}
