import type { SettleOutcome } from '@flux/gate';
import type { ConsumerObserver } from '@flux/kafka';
import type { ItemResult } from '@flux/ledger';
import { Metrics, SECONDS_BUCKETS, SIZE_BUCKETS } from '@flux/telemetry';
import { Injectable } from '@nestjs/common';

/** What the orders process counts and times. */
@Injectable()
export class OrdersMetrics {
  private readonly transactionSeconds;
  private readonly batchOrders;
  private readonly confirmSeconds;
  private readonly confirmed;
  private readonly rejected;
  private readonly repeated;
  private readonly cancelled;
  private readonly unmetIntents;
  private readonly parkedOrders;
  private readonly parkedMessages;
  private readonly rewound;
  private readonly settles;
  private readonly retries;
  private readonly lag;
  private readonly republished;
  private readonly expiredOrders;
  private readonly expiryLockSeconds;
  private readonly toldLate;
  private readonly publishedEvents;
  private readonly publishFailures;

  constructor(metrics: Metrics) {
    this.transactionSeconds = metrics.histogram({
      name: 'batch_transaction_seconds',
      help: 'Time of one transaction that applies a batch',
      buckets: SECONDS_BUCKETS,
    });
    this.batchOrders = metrics.histogram({
      name: 'batch_orders',
      help: 'Orders in one transaction, repeated ones included',
      buckets: SIZE_BUCKETS,
    });
    this.confirmSeconds = metrics.histogram({
      name: 'accepted_to_confirmed_seconds',
      help: 'From the acceptance at the gate to the transaction that confirmed the order',
      buckets: SECONDS_BUCKETS,
    });
    this.confirmed = metrics.counter({ name: 'orders_confirmed_total', help: 'Orders confirmed' });
    this.rejected = metrics.counter({
      name: 'orders_rejected_total',
      help: 'Accepted orders that the ledger refused',
      labels: ['reason'],
    });
    this.repeated = metrics.counter({
      name: 'orders_repeated_total',
      help: 'Orders that came again and changed nothing',
    });
    this.cancelled = metrics.counter({
      name: 'orders_cancelled_total',
      help: 'Orders that their shoppers gave up',
    });
    this.unmetIntents = metrics.counter({
      name: 'intents_unmet_total',
      help: 'Wishes to cancel that came before their order: the sweeper brings both again',
    });
    this.parkedOrders = metrics.counter({ name: 'orders_parked_total', help: 'Orders put aside' });
    this.parkedMessages = metrics.counter({
      name: 'messages_parked_total',
      help: 'Messages put aside, by whether their orders could be booked',
      labels: ['outcome'],
    });
    this.rewound = metrics.counter({
      name: 'gate_rewound_total',
      help: 'Times that an item was found to have gone back in time',
    });
    this.settles = metrics.counter({
      name: 'settles_total',
      help: 'Settle calls to the gate by outcome',
      labels: ['outcome'],
    });
    this.retries = metrics.counter({ name: 'batch_retries_total', help: 'Batches that wait and come again' });
    this.lag = metrics.gauge({
      name: 'consumer_lag_messages',
      help: 'Messages that are not yet committed',
      labels: ['partition'],
    });
    this.republished = metrics.counter({
      name: 'sweeper_republished_total',
      help: 'Outbox entries that the sweeper sent again because Kafka had lost them',
    });
    this.expiredOrders = metrics.counter({ name: 'orders_expired_total', help: 'Orders whose hold ran out' });
    this.expiryLockSeconds = metrics.histogram({
      name: 'expiry_lock_seconds',
      help: 'How long one batch of expired orders locked its item in the ledger',
      buckets: SECONDS_BUCKETS,
    });
    this.toldLate = metrics.counter({
      name: 'gate_told_late_total',
      help: 'Orders whose new state the gate heard of only after a crash or an outage',
    });
    this.publishedEvents = metrics.counter({
      name: 'order_events_published_total',
      help: 'Order events that Kafka has',
    });
    this.publishFailures = metrics.counter({
      name: 'order_events_failures_total',
      help: 'Times that order events could not be published and were left for the next round',
    });
  }

  /** What the consumer tells. */
  readonly consumer: Partial<ConsumerObserver> = {
    lag: ({ partition, lag }) => {
      this.lag.set({ partition: String(partition) }, lag);
    },
    retried: () => {
      this.retries.inc();
    },
    // Another process reports the partitions that this one has lost.
    assigned: () => {
      this.lag.reset();
    },
  };

  transaction(durationMs: number, orders: number): void {
    this.transactionSeconds.observe(durationMs / 1_000);
    this.batchOrders.observe(orders);
  }

  decided({ counts, rewound, decidedAtMs }: ItemResult): void {
    for (const acceptedAtMs of counts.confirmedAcceptedAtMs) {
      this.confirmSeconds.observe(Math.max(0, decidedAtMs - acceptedAtMs) / 1_000);
    }
    this.confirmed.inc(counts.confirmedAcceptedAtMs.length);
    for (const [reason, count] of Object.entries(counts.rejected)) this.rejected.inc({ reason }, count);
    this.repeated.inc(counts.repeated);
    this.cancelled.inc(counts.cancelled);
    this.unmetIntents.inc(counts.unmetIntents);
    this.parkedOrders.inc(counts.parked);
    if (rewound !== undefined) this.rewindFound();
  }

  messageParked(outcome: 'booked' | 'kept'): void {
    this.parkedMessages.inc({ outcome });
  }

  settled(outcome: SettleOutcome['outcome'] | 'failed'): void {
    this.settles.inc({ outcome });
  }

  rewindFound(): void {
    this.rewound.inc();
  }

  entriesRepublished(entries: number): void {
    this.republished.inc(entries);
  }

  expired(orders: number, lockedMs: number): void {
    this.expiredOrders.inc(orders);
    this.expiryLockSeconds.observe(lockedMs / 1_000);
  }

  toldLater(orders: number): void {
    this.toldLate.inc(orders);
  }

  published(events: number): void {
    this.publishedEvents.inc(events);
  }

  publishingFailed(): void {
    this.publishFailures.inc();
  }
}
