import { Payments, type RefundEntity, describeFailure } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { PaymentMetrics } from './payment.metrics';
import { PaymentProvider } from './payment-provider';

const REFUNDS_PER_ROUND = 1_000;
/** A refund that the provider has given up is looked at again this much later: a person may have settled it. */
const FAILED_PAUSE_MS = 3_600_000;

/** Gives back the money that the provider took and the ledger could not use. */
@Injectable()
export class RefundRound {
  private readonly failedAtMs = new Map<string, number>();

  constructor(
    private readonly payments: Payments,
    private readonly provider: PaymentProvider,
    private readonly metrics: PaymentMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /**
   * Asks for each refund that is due; one that fails holds up no other. Asked again, the provider gives nothing back
   * twice.
   * @throws where PostgreSQL fails
   */
  async run(signal: AbortSignal): Promise<void> {
    const due = await this.payments.refundsDue(this.provider.name, REFUNDS_PER_ROUND);
    for (const refund of due) {
      if (!this.hasFailed(refund)) await this.refund(refund);
      signal.throwIfAborted();
    }
  }

  private hasFailed({ paymentId }: RefundEntity): boolean {
    const failedAtMs = this.failedAtMs.get(paymentId);
    return failedAtMs !== undefined && performance.now() - failedAtMs < FAILED_PAUSE_MS;
  }

  private async refund({ paymentId, orderId }: RefundEntity): Promise<void> {
    const result = await this.ask(paymentId, orderId);
    this.metrics.refund(result);
    switch (result) {
      case 'returned':
        await this.payments.refundDone(paymentId);
        this.failedAtMs.delete(paymentId);
        this.log.info({ paymentId, orderId }, 'payment refunded');
        return;
      case 'failed':
        this.failedAtMs.set(paymentId, performance.now());
        this.log.error({ paymentId, orderId }, 'the provider could not refund a payment: a person has to');
        return;
      case 'unanswered':
        return;
    }
  }

  private async ask(paymentId: string, orderId: string) {
    try {
      return await this.provider.refund({ paymentId, orderId });
    } catch (error) {
      this.log.warn({ paymentId, orderId, reason: describeFailure(error) }, 'a refund has to wait');
      return 'unanswered';
    }
  }
}
