/** What a shopper may read. `parked` orders read as `accepted`: to the shopper nothing is decided yet. */
export const ORDER_STATUSES = ['accepted', 'confirmed', 'rejected', 'cancelled', 'expired', 'paid'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** Why the ledger refused an accepted order. */
export const REJECTION_REASONS = ['no-units', 'shopper-limit', 'old-epoch'] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** Statuses after which a shopper need not look again. A late payment may still turn an ended order into a paid one. */
export function isFinal(status: OrderStatus): boolean {
  return status !== 'accepted' && status !== 'confirmed';
}
