import { ExclusiveWork, Payments } from '@flux/ledger';
import { Injectable, Optional } from '@nestjs/common';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { ProviderEvents } from './provider-events.service';
import { RefundRound } from './refund-round.service';

/** Keys of the advisory locks: one process at a time does each kind of work. */
const PAYMENTS_LOCK = 7_305_016;
const REFUNDS_LOCK = 7_305_015;

const PAYMENTS_PER_ROUND = 1_000;
const PAUSE_MS = 10_000;

/** What money still has to go through after a crash or an outage. Harmless in any number of processes. */
@Injectable()
export class PaymentMaintenance {
  constructor(
    private readonly exclusive: ExclusiveWork,
    private readonly payments: Payments,
    private readonly events: ProviderEvents,
    @Optional() private readonly refundRound?: RefundRound,
  ) {}

  get rounds(): readonly MaintenanceRound[] {
    return [
      { task: 'payments', pauseMs: PAUSE_MS, work: () => this.complete() },
      { task: 'refunds', pauseMs: PAUSE_MS, work: () => this.refund() },
    ];
  }

  /**
   * Completes late payments, and events that were stored and had no effect yet.
   * @throws whatever a dependency throws that does not answer; the next round goes on from there
   */
  async complete(): Promise<void> {
    await this.exclusive.run(PAYMENTS_LOCK, async (signal) => {
      await this.payments.completeUnfinished(PAYMENTS_PER_ROUND);
      signal.throwIfAborted();
      await this.events.finishReceived(signal);
    });
  }

  /**
   * Gives money back through the provider, where there is one.
   * @throws as `complete`
   */
  async refund(): Promise<void> {
    const { refundRound } = this;
    if (refundRound === undefined) return;
    await this.exclusive.run(REFUNDS_LOCK, (signal) => refundRound.run(signal));
  }
}
