import type { CancelRequested, OrdersAccepted } from '@flux/contracts';
import { decideItem, type ItemDecision, type ItemQuestion, type PlacedEvent } from '../src/decide-batch';
import type { DecidedOrder, KnownOrder, LedgerRow } from '../src/ledger-row';

/** An item of ten units, with a limit of four a shopper, of which nothing is sold. */
export const LEDGER: LedgerRow = {
  saleId: 's',
  productId: 'p',
  initial: 10,
  held: 0,
  sold: 0,
  parked: 0,
  epoch: 1,
  epochOffset: undefined,
  watermark: 0,
  watermarkOrderId: '',
  ahead: [],
  suspendedReason: undefined,
  perShopperLimit: 4,
  holdMs: 1_000,
};

export const NOW_MS = 1_790_000_000_000;

export interface Accepted {
  readonly id: string;
  readonly shopper?: string;
  readonly quantity?: number;
  readonly passId?: string;
}

interface Place {
  readonly epoch?: number;
  readonly offset?: bigint;
}

export function event(firstSequence: number, orders: readonly Accepted[], place: Place = {}) {
  return {
    offset: place.offset ?? 0n,
    event: {
      type: 'orders-accepted.v1',
      saleId: 's',
      productId: 'p',
      epoch: place.epoch ?? 1,
      firstSequence,
      acceptedAtMs: 1_000,
      orders: orders.map(({ id, shopper = id, quantity = 1, passId }) => ({
        orderId: id,
        shopperId: shopper,
        quantity,
        fingerprint: 'fffffffffff',
        passId,
      })),
    } satisfies OrdersAccepted,
  } as const satisfies PlacedEvent;
}

/** The wish of an order's shopper to cancel it. */
export function intent(sequence: number, orderId: string, { epoch = 1, offset = 0n }: Place = {}) {
  return {
    offset,
    event: {
      type: 'cancel-requested.v1',
      saleId: 's',
      productId: 'p',
      epoch,
      firstSequence: sequence,
      acceptedAtMs: 2_000,
      orderId,
      shopperId: orderId,
    } satisfies CancelRequested,
  } as const satisfies PlacedEvent;
}

export interface Situation {
  readonly ledger?: Partial<LedgerRow>;
  readonly known?: readonly KnownOrder[];
  readonly units?: Readonly<Record<string, number>>;
}

export function questionOf(
  events: readonly PlacedEvent[],
  { ledger = {}, known = [], units = {} }: Situation = {},
): ItemQuestion {
  return {
    ledger: { ...LEDGER, ...ledger },
    known: new Map(known.map((order) => [order.orderId, order])),
    unitsOf: new Map(Object.entries(units)),
    events,
    nowMs: NOW_MS,
  };
}

export function decide(events: readonly PlacedEvent[], situation: Situation = {}): ItemDecision {
  return decideItem(questionOf(events, situation));
}

/** A confirmed order of one unit with sequence 1, unless told otherwise. */
export function known(order: Partial<KnownOrder> & { readonly orderId: string }): KnownOrder {
  return {
    shopperId: order.orderId,
    quantity: 1,
    state: 'confirmed',
    reason: undefined,
    booked: 0,
    epoch: 1,
    sequence: 1,
    decidedAtMs: 0,
    intent: undefined,
    ...order,
  };
}

/** The row that a decided order becomes. */
export function rowOf(order: DecidedOrder): KnownOrder {
  const { orderId, shopperId, quantity, state, reason, booked, epoch, sequence } = order;
  return {
    ...{ orderId, shopperId, quantity, state, reason, booked, epoch, sequence },
    ...{ decidedAtMs: NOW_MS, intent: undefined },
  };
}
