/** What a shopper may read. `parked` orders read as `accepted`: to the shopper nothing is decided yet. */
export const ORDER_STATUSES = ['accepted', 'confirmed', 'rejected', 'cancelled', 'expired', 'paid'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** Why the ledger refused an accepted order. */
export const REJECTION_REASONS = ['no-units', 'shopper-limit', 'old-epoch'] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];
