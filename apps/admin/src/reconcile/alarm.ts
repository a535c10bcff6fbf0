import type { ItemRef } from '@flux/contracts';

export const ALARM_KINDS = ['surplus', 'deficit', 'limit', 'counters'] as const;

/** What a person has to look at. */
export interface Alarm {
  /**
   * - `surplus`: the gate has too many units again and again
   * - `deficit`: it has too few, and what would explain that does not end
   * - `limit`: it has another limit per shopper than the item
   * - `counters`: the ledger's counters are not the sums of its orders
   */
  readonly kind: (typeof ALARM_KINDS)[number];
  readonly item: ItemRef;
  readonly detail: string;
}
