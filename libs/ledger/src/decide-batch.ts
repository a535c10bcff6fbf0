import {
  CANCEL_REQUESTED_TYPE,
  type AcceptedOrder,
  type CancelRequested,
  type ItemEvent,
  type OrdersAccepted,
  type RejectionReason,
} from '@flux/contracts';
import { advanceWatermark, isApplied, type AppliedSequences } from './advance-watermark';
import {
  freeUnits,
  givesWay,
  type DecidedOrder,
  type IntentPlace,
  type KnownOrder,
  type LedgerRow,
} from './ledger-row';
import { changeOrder, sumOfCounters, type ChangeableOrder, type OrderChange } from './order-change';

/** An event with its place in the item's partition. */
export interface PlacedEvent {
  readonly event: ItemEvent;
  readonly offset: bigint;
}

export interface ItemQuestion {
  readonly ledger: LedgerRow;
  /** Of the orders that the events are about, those that have a row. */
  readonly known: ReadonlyMap<string, KnownOrder>;
  /** Units in live states of each shopper who placed an order of these events; absent counts as 0. */
  readonly unitsOf: ReadonlyMap<string, number>;
  /** In the order of their offsets. */
  readonly events: readonly PlacedEvent[];
  /** The transaction's time by PostgreSQL's clock. */
  readonly nowMs: number;
}

/** An order's wish to be cancelled, to be noted in its row. */
export interface NotedIntent extends IntentPlace {
  readonly orderId: string;
}

export interface ItemDecision {
  readonly ledger: LedgerRow;
  readonly decided: readonly DecidedOrder[];
  /** Orders that a shopper's wish ended; some may have been decided just now. */
  readonly cancelled: readonly OrderChange[];
  /** Other wishes to cancel that are new: their orders' rows note them. */
  readonly intents: readonly NotedIntent[];
  /** Orders of the ledger's epoch that came again, each once. */
  readonly repeated: readonly KnownOrder[];
  /** Wishes to cancel an order that has no row: they count as not arrived. */
  readonly unmetIntents: number;
  /** Some event was of the ledger's epoch, so that the gate has something to settle. */
  readonly current: boolean;
  /** Why these events prove that Redis went back in time. */
  readonly rewound: string | undefined;
}

export const REWOUND = {
  repeatedSequence: 'a sequence came again under another order id',
  movedOrder: 'an order came again with another sequence',
  movedIntent: 'a wish to cancel came again with another sequence',
} as const;

/**
 * Decides an item's events in their order. Known orders stay as they are; of the others those that fit the free units
 * and the shopper's limit become confirmed, the rest rejected. A wish to cancel ends an order where its life-cycle
 * allows it, and frees its units for those that follow. Changes nothing outside itself. Never lets
 * held + sold + parked exceed initial. No event may be of a newer epoch than the ledger's.
 */
export function decideItem(question: ItemQuestion): ItemDecision {
  const { ledger, unitsOf, nowMs } = question;
  const units = new Map(unitsOf);
  let free = freeUnits(ledger);
  return new ItemWalk(question, {
    judge: ({ shopperId, quantity }) => {
      const had = units.get(shopperId) ?? 0;
      if (had + quantity > ledger.perShopperLimit) return rejected('shopper-limit');
      if (quantity > free) return rejected('no-units');
      free -= quantity;
      units.set(shopperId, had + quantity);
      return { state: 'confirmed', reason: undefined, booked: 0 };
    },
    cancel: (order, intent) => {
      const change = changeOrder(order, 'cancel', { ledger, nowMs, intent });
      if (change === undefined) return undefined;
      free -= change.counters.held + change.counters.parked;
      units.set(order.shopperId, (units.get(order.shopperId) ?? 0) - order.quantity);
      return change;
    },
  }).decide(question.events);
}

/**
 * Puts a message aside. Its unknown orders each get a row in state `parked` with as many of their units booked as are
 * free, perhaps none. A wish to cancel is noted and changes no state.
 */
export function decideParking(question: Omit<ItemQuestion, 'unitsOf' | 'nowMs'>): ItemDecision {
  let free = freeUnits(question.ledger);
  return new ItemWalk(question, {
    judge: ({ quantity }) => {
      const booked = Math.min(quantity, free);
      free -= booked;
      return { state: 'parked', reason: undefined, booked };
    },
    cancel: () => undefined,
  }).decide(question.events);
}

/** Whether an event comes too late to count: of an epoch that ended, beyond the offset at which it did. */
export function isFenced(ledger: LedgerRow, { event, offset }: PlacedEvent): boolean {
  return event.epoch < ledger.epoch && (ledger.epochOffset === undefined || offset > ledger.epochOffset);
}

type Verdict = Pick<DecidedOrder, 'state' | 'reason' | 'booked'>;

/** Asked about one order after the other; each answer counts for those that follow. */
interface Judge {
  /** What becomes of an order without a row. */
  judge(order: AcceptedOrder): Verdict;
  /** What becomes of an order that is to be cancelled; undefined where it stays as it is. */
  cancel(order: ChangeableOrder, intent: IntentPlace): OrderChange | undefined;
}

function rejected(reason: RejectionReason): Verdict {
  return { state: 'rejected', reason, booked: 0 };
}

/** The walk that both decisions share: what is known, what is fenced off, sequences, counters. */
class ItemWalk {
  private readonly ledger: LedgerRow;
  private readonly known: ReadonlyMap<string, KnownOrder>;
  private readonly decided = new Map<string, DecidedOrder>();
  private readonly repeated = new Map<string, KnownOrder>();
  private readonly intents = new Map<string, IntentPlace>();
  private readonly cancelled = new Map<string, OrderChange>();
  private sequences: AppliedSequences;
  private unmetIntents = 0;
  private rewound: string | undefined;

  constructor(
    { ledger, known }: Pick<ItemQuestion, 'ledger' | 'known'>,
    private readonly judge: Judge,
  ) {
    this.ledger = ledger;
    this.known = known;
    this.sequences = ledger;
  }

  decide(events: readonly PlacedEvent[]): ItemDecision {
    for (const placed of events) {
      const { event } = placed;
      const fenced = isFenced(this.ledger, placed);
      if (event.type === CANCEL_REQUESTED_TYPE) {
        // The shopper may ask the new gate again.
        if (!fenced) this.intent(event);
      } else this.orders(event, fenced);
    }
    return this.decision(events.some(({ event }) => this.isCurrent(event)));
  }

  private orders(event: OrdersAccepted, fenced: boolean): void {
    const current = this.isCurrent(event);
    for (const [index, order] of event.orders.entries()) {
      const sequence = event.firstSequence + index;
      const row = this.known.get(order.orderId);
      const earlier = this.decided.get(order.orderId) ?? row;
      // A fenced one, too, takes its epoch's place in the row: else it would count once a later closing offset lies beyond it.
      if (earlier === undefined || givesWay(earlier, event.epoch)) {
        if (current) this.expectNew(sequence);
        const { state, reason, booked } = fenced ? rejected('old-epoch') : this.judge.judge(order);
        // Field by field: spreading costs several microseconds an order.
        this.decided.set(order.orderId, {
          orderId: order.orderId,
          saleId: this.ledger.saleId,
          productId: this.ledger.productId,
          shopperId: order.shopperId,
          quantity: order.quantity,
          fingerprint: order.fingerprint,
          passId: order.passId,
          state,
          reason,
          booked,
          epoch: event.epoch,
          sequence,
          acceptedAtMs: event.acceptedAtMs,
          takesOver: row !== undefined,
        });
        this.intents.delete(order.orderId);
      } else if (current) {
        if (earlier.epoch === event.epoch && earlier.sequence !== sequence) {
          this.rewound ??= REWOUND.movedOrder;
        }
        if (earlier === row) this.repeated.set(row.orderId, row);
      }
      if (current) this.sequences = advanceWatermark(this.sequences, sequence, order.orderId);
    }
  }

  private intent(event: CancelRequested): void {
    const { orderId, epoch, firstSequence: sequence } = event;
    const row = this.known.get(orderId);
    const decided = this.decided.get(orderId);
    const order = decided ?? row;
    if (order === undefined || givesWay(order, epoch)) {
      // Its order's message is lost: both count as missing, and the sweeper brings both again, the order first.
      this.unmetIntents += 1;
      return;
    }
    const noted = this.intents.get(orderId) ?? (decided === undefined ? row?.intent : undefined);
    const isRepeat = noted?.epoch === epoch && noted.sequence === sequence;
    if (this.isCurrent(event)) {
      if (noted?.epoch === epoch && !isRepeat) this.rewound ??= REWOUND.movedIntent;
      if (!isRepeat) this.expectNew(sequence);
      this.sequences = advanceWatermark(this.sequences, sequence, orderId);
      if (isRepeat && order === row) this.repeated.set(orderId, row);
    }
    if (isRepeat || (noted !== undefined && noted.epoch > epoch)) return;
    const place = { epoch, sequence };
    this.intents.set(orderId, place);
    if (this.cancelled.has(orderId)) return;
    const decidedAtMs = order === row ? row.decidedAtMs : 0;
    const change = this.judge.cancel({ ...order, decidedAtMs }, place);
    if (change !== undefined) this.cancelled.set(orderId, change);
  }

  private isCurrent({ epoch }: ItemEvent): boolean {
    return epoch === this.ledger.epoch;
  }

  /** What is new to the ledger must not have a sequence that is not. */
  private expectNew(sequence: number): void {
    if (isApplied(this.sequences, sequence)) this.rewound ??= REWOUND.repeatedSequence;
  }

  private decision(current: boolean): ItemDecision {
    const { ledger, sequences, rewound } = this;
    const decided = [...this.decided.values()];
    const cancelled = [...this.cancelled.values()];
    const change = sumOfCounters(cancelled);
    return {
      ledger: {
        ...ledger,
        watermark: sequences.watermark,
        watermarkOrderId: sequences.watermarkOrderId,
        ahead: sequences.ahead,
        held: ledger.held + sum(decided, confirmedUnits) + change.held,
        parked: ledger.parked + sum(decided, ({ booked }) => booked) + change.parked,
        suspendedReason: ledger.suspendedReason ?? rewound,
      },
      decided,
      cancelled,
      intents: [...this.intents]
        .filter(([orderId, place]) => this.cancelled.get(orderId)?.intent !== place)
        .map(([orderId, place]) => ({ orderId, ...place })),
      repeated: [...this.repeated.values()],
      unmetIntents: this.unmetIntents,
      current,
      rewound,
    };
  }
}

function confirmedUnits({ state, quantity }: DecidedOrder): number {
  return state === 'confirmed' ? quantity : 0;
}

function sum<Value>(values: readonly Value[], unitsOf: (value: Value) => number): number {
  return values.reduce((total, value) => total + unitsOf(value), 0);
}
