import type { OrderStatus } from '@flux/contracts';
import type { ItemState } from './outcomes';

/** What a look at all of an item's keys found. */
export type GateLook =
  /** As it is at work; perhaps suspended. */
  | {
      readonly outcome: 'whole';
      readonly epoch: number;
      readonly state: ItemState;
      readonly watermark: number;
      readonly isOutboxReadable: true;
    }
  /** A key or a field is missing or of a foreign type: only a rebuild brings it back. */
  | {
      readonly outcome: 'broken';
      /** 0 where it cannot be read. */
      readonly epoch: number;
      /** `stock is missing` */
      readonly what: string;
      /** False where something foreign lies in its place. An outbox that is not there is empty. */
      readonly isOutboxReadable: boolean;
    };

/** A gate, and the server on which it was found. */
export interface GateRun {
  readonly epoch: number;
  /** Of its Redis: another one after each start, and on a replica that was made master. */
  readonly run: string;
}

/** What was found out about a gate on a run of its Redis: `server` lets it sell. */
export type VouchedFor =
  /** It has every order that was relayed. */
  | 'server'
  /** It knows what it was told of its orders. */
  | 'compared';

export type Vouching =
  | { readonly outcome: 'vouched' }
  /** It may have forgotten orders after this sequence: it sells nothing new, and says of no order that there is none. */
  | ({ readonly outcome: 'unproven'; readonly sequence: number } & GateRun)
  /** It sells, and may have forgotten what it was told of its orders. */
  | ({ readonly outcome: 'uncompared' } & GateRun)
  /** No item, or one that waits for the end of a rebuild. */
  | { readonly outcome: 'gone' };

/** An order as the gate was told of it, and has answered that it knows. */
export interface ToldOrder {
  readonly orderId: string;
  readonly status: OrderStatus;
}

export interface GateComparison {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  /** At most MAX_ORDERS_PER_REBUILD_PAGE. */
  readonly orders: readonly ToldOrder[];
}

export type GateComparisonOutcome =
  | { readonly outcome: 'equal' }
  /** The order has no record, or is in an earlier state: the gate went back in time. */
  | { readonly outcome: 'behind'; readonly orderId: string }
  /** It is in an earlier state that it has not been settled in again: nothing can be said yet. */
  | { readonly outcome: 'unsettled'; readonly orderId: string }
  /** 0: there is none. Or this one is being rebuilt. */
  | { readonly outcome: 'otherEpoch'; readonly epoch: number };

export interface RebuildClose {
  readonly saleId: string;
  readonly productId: string;
  /** In which the gate was seen. */
  readonly epoch: number;
  /** Which attempt of which rebuild this is: no other one may begin upon it. */
  readonly closedBy: string;
}

export type RebuildCloseOutcome =
  | { readonly outcome: 'closed' }
  /** There is no item: nothing of it can be sold. */
  | { readonly outcome: 'gone' }
  /** The gate is not the one that was seen. Nothing changed. */
  | { readonly outcome: 'otherEpoch'; readonly epoch: number };

export interface RebuildBegin {
  readonly saleId: string;
  readonly productId: string;
  /** Above every epoch that the item had. */
  readonly epoch: number;
  readonly perShopperLimit: number;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly holdMs: number;
  /** As it was closed. */
  readonly closedBy: string;
}

export type RebuildBeginOutcome =
  | { readonly outcome: 'begun' }
  /** The gate has this epoch or a newer one: another rebuild began. Nothing changed. */
  | { readonly outcome: 'otherEpoch'; readonly epoch: number }
  /** The gate was not closed by this attempt and may have sold: a failover came between. Nothing changed. */
  | { readonly outcome: 'otherGate' };

/** An order as PostgreSQL has it. */
export interface RebuiltOrder {
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly fingerprint: string;
  readonly acceptedAtMs: number;
  readonly status: OrderStatus;
  /** When it got this status. */
  readonly changedAtMs: number;
  /** Units that count against its shopper's limit: all of them, or none. */
  readonly liveUnits: number;
  /** Of the pass that it redeemed and that is good for no other order; undefined where there is none. */
  readonly passId?: string | undefined;
}

export interface RebuildPage {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  /** The last order of the page before; empty for the first. */
  readonly after: string;
  /** By order id; at least one and at most MAX_ORDERS_PER_REBUILD_PAGE. */
  readonly orders: readonly RebuiltOrder[];
}

export interface RebuildEnd {
  readonly saleId: string;
  readonly productId: string;
  readonly epoch: number;
  /** The last order that was written; empty where there is none. */
  readonly lastOrderId: string;
  readonly available: number;
  readonly state: Exclude<ItemState, 'suspended'>;
  /** Whether the product's purchases go to this sale, a closed one's only where no other sale has them by then. */
  readonly isCurrent: boolean;
}

/** Why a step of a rebuild was refused. Nothing changed: start over in a new epoch. */
export type RebuildRefusal =
  /** The gate has another epoch, or none (0): it was lost again, or another rebuild began. */
  | { readonly outcome: 'otherEpoch'; readonly epoch: number }
  /** The steps before are not there. */
  | { readonly outcome: 'outOfStep' };

export type RebuildPageOutcome =
  | { readonly outcome: 'written' }
  /** Written before: nothing changed. */
  | { readonly outcome: 'repeated' }
  | RebuildRefusal;

export type RebuildEndOutcome =
  | { readonly outcome: 'finished' }
  /** Finished before: nothing changed. */
  | { readonly outcome: 'repeated' }
  /** Another attempt has closed it since it was begun: that one goes on. */
  | { readonly outcome: 'otherGate' }
  | RebuildRefusal;
