import type { AcceptedOrder, ItemRef, OrdersAccepted, RejectionReason } from '@flux/contracts';
import { advanceWatermark, isApplied, type AppliedSequences } from './advance-watermark';
import type { OrderState } from './entities/order.entity';

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

/** An order that has a row. */
export interface KnownOrder {
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly state: OrderState;
  readonly reason: RejectionReason | undefined;
  readonly epoch: number;
  readonly sequence: number;
  readonly decidedAtMs: number;
}

/** An event with its place in the item's partition. */
export interface PlacedEvent {
  readonly event: OrdersAccepted;
  readonly offset: bigint;
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

export interface ItemQuestion {
  readonly ledger: LedgerRow;
  readonly known: ReadonlyMap<string, KnownOrder>;
  /** Units of each shopper in live states; absent counts as 0. */
  readonly unitsOf: ReadonlyMap<string, number>;
  /** In the order of their offsets. */
  readonly events: readonly PlacedEvent[];
}

export interface ItemDecision {
  readonly ledger: LedgerRow;
  readonly decided: readonly DecidedOrder[];
  /** Orders of the ledger's epoch that came again, each once. */
  readonly repeated: readonly KnownOrder[];
  /** Some event was of the ledger's epoch, so that the gate has something to settle. */
  readonly current: boolean;
  /** Why these events prove that Redis went back in time. */
  readonly rewound: string | undefined;
}

export const REWOUND = {
  repeatedSequence: 'a sequence came again under another order id',
  movedOrder: 'an order came again with another sequence',
} as const;

/**
 * Decides an item's events in their order: known orders stay as they are; of the others those that fit the free units
 * and the shopper's limit become confirmed, the rest rejected. Changes nothing outside itself. Never lets
 * held + sold + parked exceed initial. No event may be of a newer epoch than the ledger's.
 */
export function decideItem({ ledger, known, unitsOf, events }: ItemQuestion): ItemDecision {
  const units = new Map(unitsOf);
  let free = ledger.initial - ledger.held - ledger.sold - ledger.parked;
  return decideOrders({ ledger, known, events }, ({ shopperId, quantity }) => {
    const had = units.get(shopperId) ?? 0;
    if (had + quantity > ledger.perShopperLimit) return rejected('shopper-limit');
    if (quantity > free) return rejected('no-units');
    free -= quantity;
    units.set(shopperId, had + quantity);
    return { state: 'confirmed', reason: undefined, booked: 0 };
  });
}

/**
 * Puts a message's unknown orders aside: each gets a row in state `parked` with as many of its units booked as are
 * free, perhaps none.
 */
export function decideParking(question: Omit<ItemQuestion, 'unitsOf'>): ItemDecision {
  const { ledger } = question;
  let free = ledger.initial - ledger.held - ledger.sold - ledger.parked;
  return decideOrders(question, ({ quantity }) => {
    const booked = Math.min(quantity, free);
    free -= booked;
    return { state: 'parked', reason: undefined, booked };
  });
}

type Verdict = Pick<DecidedOrder, 'state' | 'reason' | 'booked'>;

function rejected(reason: RejectionReason): Verdict {
  return { state: 'rejected', reason, booked: 0 };
}

/** The walk that both decisions share: what is known, what is fenced off, sequences, counters. */
function decideOrders(
  { ledger, known, events }: Omit<ItemQuestion, 'unitsOf'>,
  judge: (order: AcceptedOrder) => Verdict,
): ItemDecision {
  const decided = new Map<string, DecidedOrder>();
  const repeated = new Map<string, KnownOrder>();
  let sequences: AppliedSequences = ledger;
  let rewound: string | undefined;

  for (const { event, offset } of events) {
    const current = event.epoch === ledger.epoch;
    const fenced = !current && (ledger.epochOffset === undefined || offset > ledger.epochOffset);
    for (const [index, order] of event.orders.entries()) {
      const sequence = event.firstSequence + index;
      const row = known.get(order.orderId);
      const earlier = decided.get(order.orderId) ?? row;
      const takesOver = earlier !== undefined && isTakenOver(earlier, event.epoch, fenced);
      if (earlier === undefined || takesOver) {
        if (current && isApplied(sequences, sequence)) rewound ??= REWOUND.repeatedSequence;
        const { state, reason, booked } = fenced ? rejected('old-epoch') : judge(order);
        // Field by field: spreading costs several microseconds an order.
        decided.set(order.orderId, {
          orderId: order.orderId,
          saleId: ledger.saleId,
          productId: ledger.productId,
          shopperId: order.shopperId,
          quantity: order.quantity,
          fingerprint: order.fingerprint,
          state,
          reason,
          booked,
          epoch: event.epoch,
          sequence,
          acceptedAtMs: event.acceptedAtMs,
          takesOver: row !== undefined,
        });
      } else if (current) {
        if (earlier.epoch === event.epoch && earlier.sequence !== sequence) rewound ??= REWOUND.movedOrder;
        if (earlier === row) repeated.set(row.orderId, row);
      }
      if (current) sequences = advanceWatermark(sequences, sequence, order.orderId);
    }
  }

  const rows = [...decided.values()];
  return {
    ledger: {
      ...ledger,
      watermark: sequences.watermark,
      watermarkOrderId: sequences.watermarkOrderId,
      ahead: sequences.ahead,
      held: ledger.held + sum(rows, (order) => (order.state === 'confirmed' ? order.quantity : 0)),
      parked: ledger.parked + sum(rows, (order) => order.booked),
      suspendedReason: ledger.suspendedReason ?? rewound,
    },
    decided: rows,
    repeated: [...repeated.values()],
    current: events.some(({ event }) => event.epoch === ledger.epoch),
    rewound,
  };
}

/** A row rejected only because its epoch had ended gives way to the same order accepted in a newer one. */
function isTakenOver(earlier: Pick<KnownOrder, 'reason' | 'epoch'>, epoch: number, fenced: boolean): boolean {
  return earlier.reason === 'old-epoch' && earlier.epoch < epoch && !fenced;
}

function sum<Value>(values: readonly Value[], unitsOf: (value: Value) => number): number {
  return values.reduce((total, value) => total + unitsOf(value), 0);
}
