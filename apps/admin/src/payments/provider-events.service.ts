import { ProblemError } from '@flux/contracts';
import { type PayOutcome, Payments, ProviderEventEntity, describeFailure, oweRefund } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { PaymentMetrics } from './payment.metrics';
import { type ProviderEvent, type ProviderNotice, providerNoticeSchema } from './provider-notice';

interface StoredEvent extends ProviderEvent {
  readonly provider: string;
}

const PAGE = 100;

/** Events of payment providers: each is stored first and has its effect once, however often and in whatever order they come. */
@Injectable()
export class ProviderEvents {
  constructor(
    private readonly dataSource: DataSource,
    private readonly payments: Payments,
    private readonly metrics: PaymentMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /**
   * Stores an event and does what it asks for; one that is done already changes nothing.
   * @throws where its effect failed or must wait: the provider sends it again, and `finishReceived` does not depend on it
   */
  async receive(provider: string, event: ProviderEvent): Promise<void> {
    const { eventId, type, notice } = event;
    await this.dataSource.query(
      `INSERT INTO provider_events (provider, event_id, type, content) VALUES ($1, $2, $3, $4)
       ON CONFLICT DO NOTHING`,
      [provider, eventId, type, JSON.stringify(notice)],
    );
    const stored = await this.dataSource.manager.findOneByOrFail(ProviderEventEntity, { provider, eventId });
    if (stored.state === 'received') await this.apply(storedEventOf(stored));
  }

  /** Does what was received and not done: a crash or an outage came in between. One that fails holds up no other. */
  async finishReceived(signal: AbortSignal): Promise<void> {
    let after = '';
    for (;;) {
      const events = await this.dataSource.manager
        .createQueryBuilder(ProviderEventEntity, 'event')
        .where("event.state = 'received' AND event.event_id > :after", { after })
        .orderBy('event.event_id')
        .limit(PAGE)
        .getMany();
      for (const event of events) {
        await this.tryAgain(event);
        signal.throwIfAborted();
      }
      const last = events.at(-1);
      if (last === undefined || events.length < PAGE) return;
      after = last.eventId;
    }
  }

  private async tryAgain(event: ProviderEventEntity): Promise<void> {
    try {
      await this.apply(storedEventOf(event));
    } catch (error) {
      this.log.warn({ eventId: event.eventId, reason: describeFailure(error) }, 'an event still has to wait');
    }
  }

  private async apply({ provider, eventId, notice }: StoredEvent): Promise<void> {
    const outcome = await this.effectOf(provider, notice);
    this.metrics.event(outcome);
    if (outcome === 'notConfirmed') {
      throw new ProblemError(
        'temporarily-unavailable',
        'The order waits for an operator; send the event again.',
      );
    }
    if (outcome !== 'paid' && outcome !== 'refunded') {
      const { paymentId, orderId } = notice;
      this.log.warn({ eventId, paymentId, orderId, outcome }, 'a payment did not do what it was made for');
    }
    await this.dataSource.query(
      `UPDATE provider_events SET state = 'done', done_at = now()
       WHERE provider = $1 AND event_id = $2 AND state = 'received'`,
      [provider, eventId],
    );
  }

  private async effectOf(
    provider: string,
    notice: ProviderNotice,
  ): Promise<PayOutcome['outcome'] | 'refundFailed'> {
    switch (notice.kind) {
      case 'paid': {
        const { paymentId, orderId, amountMinor, currency } = notice;
        const payment = { paymentId, orderId, amountMinor, currency, provider };
        const { outcome } = await this.payments.pay(payment);
        // Money that cannot count for the order must not stay here.
        if (outcome === 'amountMismatch') {
          await oweRefund(this.dataSource.manager, payment, "the amount was not the order's");
        }
        return outcome;
      }
      case 'refunded': {
        const { paymentId, orderId, amountMinor, currency } = notice;
        const reason = 'refunded at the provider';
        await this.payments.noteRefund({ paymentId, orderId, amountMinor, currency, provider, reason });
        return 'refunded';
      }
      case 'refundFailed':
        await this.payments.refundFailed(notice.paymentId);
        return 'refundFailed';
    }
  }
}

function storedEventOf({ provider, eventId, type, content }: ProviderEventEntity): StoredEvent {
  return { provider, eventId, type, notice: providerNoticeSchema.parse(content) };
}
