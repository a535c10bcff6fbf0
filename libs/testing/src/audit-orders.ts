import type { OrderState, OrderStatus } from '@flux/contracts';

/** Where an order of the world is in its life. */
export interface OrderPlan {
  readonly shopperId: string;
  readonly quantity: number;
  readonly state: OrderState;
  /** Of the pass that it redeemed. */
  readonly passId?: string;
  /** The statuses that it had in the ledger before. */
  readonly past?: readonly OrderStatus[];
  /** Sequence of its shopper's wish to cancel it. */
  readonly cancelSequence?: number;
  /** Money that came for it, in time or after its end. */
  readonly payment?: { readonly state: 'applied' | 'refund-due'; readonly isLate: boolean };
}

const IN_TIME = { state: 'applied', isLate: false } as const;
const LATE = { state: 'applied', isLate: true } as const;
const TOO_LATE = { state: 'refund-due', isLate: true } as const;

const ENDED_PLANS: readonly OrderPlan[] = [
  {
    ...{ shopperId: 'cat', quantity: 1, state: 'paid', past: ['confirmed'], payment: IN_TIME },
    passId: 'pass-of-cat-0001',
  },
  { shopperId: 'dan', quantity: 1, state: 'rejected', passId: 'pass-of-dan-0001' },
  {
    ...{ shopperId: 'fay', quantity: 1, state: 'cancelled', past: ['confirmed'], cancelSequence: 10 },
    passId: 'pass-of-fay-0001',
  },
  { shopperId: 'gus', quantity: 1, state: 'paid', past: ['confirmed', 'expired'], payment: LATE },
  { shopperId: 'hal', quantity: 2, state: 'expired', past: ['confirmed'], payment: TOO_LATE },
];
const [CAT, DAN, FAY, GUS, HAL] = ENDED_PLANS as [OrderPlan, OrderPlan, OrderPlan, OrderPlan, OrderPlan];

/** By sequence, from 1: an order in every state. The message with the fifth one is parked. */
export const RUNNING: readonly OrderPlan[] = [
  { shopperId: 'ann', quantity: 1, state: 'confirmed' },
  { shopperId: 'bob', quantity: 2, state: 'confirmed' },
  CAT,
  DAN,
  { shopperId: 'eve', quantity: 2, state: 'parked', passId: 'pass-of-eve-0001' },
  FAY,
  { shopperId: 'ann', quantity: 1, state: 'confirmed' },
  GUS,
  HAL,
];

/** The same orders when all of them have ended. */
export const ENDED: readonly OrderPlan[] = [
  { shopperId: 'ann', quantity: 1, state: 'paid', past: ['confirmed'], payment: IN_TIME },
  { shopperId: 'bob', quantity: 2, state: 'expired', past: ['confirmed'] },
  CAT,
  DAN,
  {
    ...{ shopperId: 'eve', quantity: 2, state: 'cancelled', past: ['accepted', 'confirmed'] },
    passId: 'pass-of-eve-0001',
  },
  FAY,
  { shopperId: 'ann', quantity: 1, state: 'cancelled', past: ['confirmed'] },
  GUS,
  HAL,
];

/** The last sequence is that of fay's wish to cancel. */
export const LAST_SEQUENCE = 10;
export const EPOCH = 1;
export const INITIAL = 20;
export const LIMIT = 3;
export const HOLD_MS = 60_000;
export const PRICE_MINOR = 100;

const LIVE: readonly OrderState[] = ['confirmed', 'paid', 'parked'];

export function isLive({ state }: OrderPlan): boolean {
  return LIVE.includes(state);
}

/** Units of the orders in these states. */
export function unitsIn(plans: readonly OrderPlan[], ...states: readonly OrderState[]): number {
  return plans.reduce((sum, { state, quantity }) => sum + (states.includes(state) ? quantity : 0), 0);
}

/** Live units by shopper; who had an order stays at 0. */
export function countsOf(plans: readonly OrderPlan[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const plan of plans) {
    counts[plan.shopperId] = (counts[plan.shopperId] ?? 0) + (isLive(plan) ? plan.quantity : 0);
  }
  return counts;
}

/** The state's letter in the gate's record: the confirmed ones follow from the watermark. */
export function letterOf({ state }: OrderPlan): string {
  const letters = { confirmed: '-', rejected: 'r', parked: 'a', cancelled: 'x', expired: 'e', paid: 'p' };
  return letters[state];
}

export function hasEnded({ state, past = [] }: OrderPlan): boolean {
  return [...past, state].some((status) => status === 'cancelled' || status === 'expired');
}
