import type { OrderStatus } from './order-status';

/** The states of an order's row. An accepted order without a row has none yet. */
export const ORDER_STATES = ['confirmed', 'rejected', 'parked', 'cancelled', 'expired', 'paid'] as const;
export type OrderState = (typeof ORDER_STATES)[number];

/** What can happen to an order that has a row. */
export const ORDER_ACTIONS = ['retry', 'pay', 'payLate', 'cancel', 'discard', 'expire'] as const;
export type OrderAction = (typeof ORDER_ACTIONS)[number];

/** The states in which the batch transaction, or parking, writes a new row. */
export const FIRST_STATES = ['confirmed', 'rejected', 'parked'] as const satisfies readonly OrderState[];

/**
 * The life of an order: what each action makes of each state. An action that is left out is refused there. Every
 * writer asks this table. Not in it: an order accepted in a newer epoch takes over a row that was rejected as
 * old-epoch, and is judged as a new one.
 */
export const ORDER_LIFE_CYCLE = {
  parked: { retry: 'confirmed', cancel: 'cancelled', discard: 'cancelled' },
  confirmed: { pay: 'paid', cancel: 'cancelled', expire: 'expired' },
  /** Its units are taken anew before a payment that comes late counts. */
  cancelled: { payLate: 'paid' },
  expired: { payLate: 'paid' },
  rejected: {},
  paid: {},
} as const satisfies Record<OrderState, Partial<Record<OrderAction, OrderState>>>;

/** Which of the ledger's counters has an order's units: all of them, and while parked those that are booked. */
export const UNITS_COUNTER = {
  confirmed: 'held',
  parked: 'parked',
  paid: 'sold',
  rejected: undefined,
  cancelled: undefined,
  expired: undefined,
} as const satisfies Record<OrderState, 'held' | 'parked' | 'sold' | undefined>;

/** The state that an action leads to, or undefined where it is refused. */
export function nextState(state: OrderState, action: OrderAction): OrderState | undefined {
  const actions: Partial<Record<OrderAction, OrderState>> = ORDER_LIFE_CYCLE[state];
  return actions[action];
}

/** What a shopper reads for a row's state. */
export function statusOfState(state: OrderState): OrderStatus {
  return state === 'parked' ? 'accepted' : state;
}
