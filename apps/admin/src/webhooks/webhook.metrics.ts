import { Metrics, SECONDS_BUCKETS } from '@flux/telemetry';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { countGauge } from '../count-gauge';

const OUTCOMES = ['delivered', 'failed', 'parked', 'gone'] as const;
export type DeliveryOutcome = (typeof OUTCOMES)[number];

/** How the shop's endpoints take what is sent to them. */
@Injectable()
export class WebhookMetrics {
  private readonly attempts;
  private readonly seconds;

  constructor(metrics: Metrics, dataSource: DataSource) {
    this.attempts = metrics.counter({
      name: 'webhook_attempts_total',
      help: 'Attempts to deliver an event to an endpoint of the shop',
      labels: ['outcome'],
    });
    for (const outcome of OUTCOMES) this.attempts.inc({ outcome }, 0);
    this.seconds = metrics.histogram({
      name: 'webhook_send_seconds',
      help: 'From the look-up of the name to the last byte of the answer, or the failure',
      buckets: SECONDS_BUCKETS,
    });
    countGauge(metrics, dataSource, {
      name: 'webhook_deliveries_waiting',
      help: 'Events that an endpoint of the shop has not taken yet',
      sql: "SELECT count(*)::int AS count FROM webhook_deliveries WHERE state = 'pending'",
    });
    countGauge(metrics, dataSource, {
      name: 'webhook_deliveries_parked',
      help: 'Events that an endpoint of the shop did not take within a day',
      sql: "SELECT count(*)::int AS count FROM webhook_deliveries WHERE state = 'parked'",
    });
  }

  attempted(outcome: DeliveryOutcome, seconds: number): void {
    this.attempts.inc({ outcome });
    this.seconds.observe(seconds);
  }
}
