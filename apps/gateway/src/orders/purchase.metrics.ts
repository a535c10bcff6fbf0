import { Inject, Injectable } from '@nestjs/common';
import { GateClient } from '@flux/gate';
import { LOG, Metrics, SECONDS_BUCKETS, SIZE_BUCKETS, type Log } from '@flux/telemetry';
import type { PurchaseOutcome } from './purchase-answer';

/** Finer than elsewhere where decisions lie, 100 us to 50 ms: their percentiles are promised, and read from here. */
const DECISION_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01,
  0.0125, 0.015, 0.02, 0.025, 0.035, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** What became of purchases, how long the decision took, and how well calls to the gate are shared. */
@Injectable()
export class PurchaseMetrics {
  private readonly decisions;
  private readonly seconds;

  constructor(metrics: Metrics, gate: GateClient, @Inject(LOG) log: Log) {
    this.decisions = metrics.counter({
      name: 'purchase_decisions_total',
      help: 'Purchases by outcome; those that end in Locally were refused without asking the gate',
      labels: ['outcome'],
    });
    this.seconds = metrics.histogram({
      name: 'purchase_decision_seconds',
      help: 'From the verified request to its outcome',
      labels: ['outcome'],
      buckets: DECISION_BUCKETS,
    });
    const batch = metrics.histogram({
      name: 'reserve_batch_requests',
      help: 'Purchases that shared a call to the gate',
      buckets: SIZE_BUCKETS.filter((size) => size <= 64),
    });
    const call = metrics.histogram({
      name: 'reserve_call_seconds',
      help: 'One call to the gate, from the turn of the event loop to its answers',
      buckets: SECONDS_BUCKETS,
    });
    const failures = metrics.counter({
      name: 'reserve_failures_total',
      help: 'Calls to the gate that ended without a decision, by reason',
      labels: ['reason'],
    });
    gate.observe({
      onReserveCall: ({ requests, durationMs, failure }) => {
        batch.observe(requests);
        call.observe(durationMs / 1_000);
        if (failure !== undefined) failures.inc({ reason: failure });
      },
      onUnexpectedReply: (error) => {
        log.error({ err: error }, 'the gate answered in an unknown shape');
      },
    });
  }

  decided(outcome: PurchaseOutcome['outcome'], durationMs: number): void {
    this.decisions.inc({ outcome });
    this.seconds.observe({ outcome }, durationMs / 1_000);
  }

  refusedLocally(outcome: 'soldOutLocally' | 'waitingRoomLocally'): void {
    this.decisions.inc({ outcome });
  }
}
