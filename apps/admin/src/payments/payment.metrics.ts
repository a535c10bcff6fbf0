import type { PayOutcome } from '@flux/ledger';
import { Metrics } from '@flux/telemetry';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { countGauge } from '../count-gauge';
import type { RefundResult } from './payment-provider';

const EVENT_OUTCOMES: readonly EventOutcome[] = [
  'paid',
  'refundDue',
  'refunded',
  'amountMismatch',
  'unknownOrder',
  'reused',
  'pending',
  'notConfirmed',
  'refundFailed',
];
export type EventOutcome = PayOutcome['outcome'] | 'refundFailed';

const REFUND_RESULTS: readonly RefundOutcome[] = ['returned', 'failed', 'unanswered'];
type RefundOutcome = RefundResult | 'unanswered';

/** How money comes and goes. */
@Injectable()
export class PaymentMetrics {
  private readonly events;
  private readonly refunds;

  constructor(metrics: Metrics, dataSource: DataSource) {
    this.events = metrics.counter({
      name: 'provider_events_total',
      help: 'Events of the payment provider, by what they came to; those that come again are counted again until done',
      labels: ['outcome'],
    });
    for (const outcome of EVENT_OUTCOMES) this.events.inc({ outcome }, 0);
    this.refunds = metrics.counter({
      name: 'refunds_total',
      help: 'Refunds that the payment provider was asked for',
      labels: ['result'],
    });
    for (const result of REFUND_RESULTS) this.refunds.inc({ result }, 0);
    countGauge(metrics, dataSource, {
      name: 'refunds_due',
      help: 'Money that still has to go back',
      sql: "SELECT count(*)::int AS count FROM refunds WHERE state = 'due'",
    });
    countGauge(metrics, dataSource, {
      name: 'provider_events_waiting',
      help: 'Events of the payment provider whose effect is still to come',
      sql: "SELECT count(*)::int AS count FROM provider_events WHERE state = 'received'",
    });
  }

  event(outcome: EventOutcome): void {
    this.events.inc({ outcome });
  }

  refund(result: RefundOutcome): void {
    this.refunds.inc({ result });
  }
}
