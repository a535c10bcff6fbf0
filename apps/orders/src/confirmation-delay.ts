import type { ItemResult } from '@flux/ledger';
import { Injectable } from '@nestjs/common';

/** In a busy sale an order is confirmed within a few hundred milliseconds, whatever the clocks of two servers differ. */
const LATE_MS = 1_000;
/** Nothing decided for so long: nothing waits here. */
const RECENT_MS = 2_000;

/** Whether accepted orders wait for this process: it was down, or they come faster than it commits them. */
@Injectable()
export class ConfirmationDelay {
  private delayMs = 0;
  private seenAt = -Infinity;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Takes note of what a transaction did: its newest order waited longest for no order before it. */
  decided({ counts, decidedAtMs }: Pick<ItemResult, 'counts' | 'decidedAtMs'>): void {
    const newestMs = counts.confirmedAcceptedAtMs.at(-1);
    if (newestMs === undefined) return;
    this.delayMs = decidedAtMs - newestMs;
    this.seenAt = this.now();
  }

  get isLate(): boolean {
    return this.delayMs > LATE_MS && this.now() - this.seenAt < RECENT_MS;
  }
}
