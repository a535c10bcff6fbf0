import type { OrderStatus } from '@flux/contracts';

/** What the 202 is rendered from, at the first answer and at every replay. */
export interface PlacedOrder {
  readonly orderId: string;
  readonly saleId: string;
  readonly productId: string;
  readonly quantity: number;
  /** 0 where a rebuild wrote the record. */
  readonly sequence: number;
  readonly acceptedAtMs: number;
}

/** An order as the gate knows it: the idempotency record and the status in one. */
export interface GateOrder extends PlacedOrder {
  readonly status: OrderStatus;
  readonly updatedAtMs: number;
  /** Only while confirmed: until when its units are held, by PostgreSQL's clock. */
  readonly holdUntilMs: number | undefined;
  /** Whether its shopper has asked to give it up, whatever came of that. */
  readonly cancelRequested: boolean;
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
  /** Id of the shopper's own pass, proven and not expired: 16 of [A-Za-z0-9_-]. */
  readonly passId?: string | undefined;
}

/** What a sale's waiting room tells the gate: `on` takes only passes, `closed` takes nobody new. */
export const ROOM_STATES = ['off', 'on', 'closed'] as const;

/** A waiting room as an item of its sale knows it. Of two, the one with the later `since` counts. */
export interface GateRoom {
  /** Milliseconds of the clock of Redis. */
  readonly since: number;
  readonly state: (typeof ROOM_STATES)[number];
}

/** What the gate said of one purchase. Every value but the last two is a decision; `unavailable` had no effect. */
export type ReserveOutcome =
  | { readonly outcome: 'accepted'; readonly order: PlacedOrder }
  | { readonly outcome: 'replayed'; readonly order: PlacedOrder }
  /** The key was used for another payload. */
  | { readonly outcome: 'reused' }
  | { readonly outcome: 'soldOut'; readonly version: number; readonly available: number }
  | { readonly outcome: 'shopperLimit'; readonly limit: number }
  /** The room has been on since then, and the request has no pass; or it lets nobody in. */
  | { readonly outcome: 'waitingRoom'; readonly since: number }
  /** The pass was redeemed for another order of this item. */
  | { readonly outcome: 'passUsed' }
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

export interface OpenRequest {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  readonly available: number;
  readonly perShopperLimit: number;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  /** How long a confirmed order holds its units. */
  readonly holdMs: number;
}

export type OpenOutcome =
  | { readonly outcome: 'opened' }
  /** Opened before in this epoch: nothing changed. */
  | { readonly outcome: 'alreadyOpened'; readonly state: ItemState }
  /** The gate has the item in another epoch: nothing changed. */
  | { readonly outcome: 'otherEpoch'; readonly epoch: number }
  /** The key has a foreign type, or is left from before although the item is not there: nothing changed. */
  | { readonly outcome: 'unsafe'; readonly key: string };

/** `suspended` items answer NOT_READY until they are rebuilt. */
export type ItemState = 'open' | 'paused' | 'closed' | 'suspended';

/** Pause, resume, close, suspend: `done` also where the item was in that state already. */
export type TransitionOutcome =
  | { readonly outcome: 'done' }
  | { readonly outcome: 'refused'; readonly state: ItemState }
  | { readonly outcome: 'gone' };

export interface RetireRequest {
  readonly saleId: string;
  readonly productId: string;
  /** When the item's keys end. The caller keeps the 24 h rule. */
  readonly endsAtMs: number;
}

export type RetireOutcome =
  | { readonly outcome: 'retired' }
  /** Not closed, or its outbox holds entries: nothing changed. */
  | { readonly outcome: 'refused'; readonly state: ItemState; readonly outboxLength: number }
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

export interface RepairRequest {
  readonly saleId: string;
  readonly productId: string;
  /** The epoch and the version in which the stock was seen not to agree with the ledger. */
  readonly epoch: number;
  readonly version: number;
  readonly changeId: string;
  /** Units: positive gives, negative takes. */
  readonly delta: number;
}

export type RepairOutcome =
  /** `delta` is nearer to 0 than asked for where fewer units were left to take. */
  | { readonly outcome: 'applied'; readonly delta: number; readonly available: number }
  /** This change id was applied before. */
  | { readonly outcome: 'done'; readonly delta: number }
  /** The gate is not as it was seen, or suspended, or lacks keys: nothing was changed, and never will be by this. */
  | { readonly outcome: 'changed' };

export type ReadOrderOutcome =
  | {
      readonly outcome: 'order';
      readonly order: GateOrder;
      /** Tells one shopper's orders from another's, without saying whose they are. */
      readonly shopperHash: string;
      /** Whether this shopper placed the order; the gate keeps only a hash of the name. */
      readonly belongsTo: (shopperId: string) => boolean;
    }
  | { readonly outcome: 'unknownOrder' }
  /** The item's keys are missing, or older than an epoch this process has seen. */
  | { readonly outcome: 'notReady' };

export interface LeaseRequest {
  readonly saleId: string;
  readonly productId: string;
  /** Who reads the outbox: unique per process. */
  readonly owner: string;
  /** Id of the last entry that Kafka acknowledged to this owner; undefined at its first request. */
  readonly position: string | undefined;
}

export type LeaseOutcome =
  /**
   * Read on after `position`, which is authoritative: it falls back to `0-0` when Redis was restarted or replaced, so
   * that no entry that took the place of a forgotten one is skipped. After a reconnect renew before reading.
   */
  | { readonly outcome: 'held'; readonly position: string }
  /** Another owner has it. */
  | { readonly outcome: 'taken'; readonly remainingMs: number }
  /** There is neither item nor outbox. */
  | { readonly outcome: 'gone' };

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
  /** The waiting room as the item last heard of it. */
  readonly room: GateRoom | undefined;
  /** Nothing is available, and nothing is held that could come back: `exhaust` has said so, and nothing changed since. */
  readonly isExhausted: boolean;
}

export interface ExhaustRequest {
  readonly saleId: string;
  readonly productId: string;
  /** The epoch, version and sequence at which the ledger had every order and held nothing. */
  readonly epoch: number;
  readonly version: number;
  readonly sequence: number;
}

export type ExhaustOutcome =
  | { readonly outcome: 'done' }
  /** The gate is not as it was seen: nothing was noted. */
  | { readonly outcome: 'changed' };
