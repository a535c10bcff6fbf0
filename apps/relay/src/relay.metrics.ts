import { Metrics, SECONDS_BUCKETS, SIZE_BUCKETS } from '@flux/telemetry';
import { Injectable } from '@nestjs/common';

/** The outboxes that this relay reads, all together: an item's id is no label. */
export interface Backlog {
  readonly entries: number;
  /** Entries of the longest one. */
  readonly longest: number;
  /** Age of the oldest order that is not settled, 0 where there is none. */
  readonly oldestMs: number;
}

/** What the relay counts and times. */
@Injectable()
export class RelayMetrics {
  private readonly entries;
  private readonly orders;
  private readonly foreign;
  private readonly failures;
  private readonly sendSeconds;
  private readonly sendEntries;

  constructor(private readonly metrics: Metrics) {
    this.entries = metrics.counter({
      name: 'relay_entries_total',
      help: 'Outbox entries that Kafka acknowledged, repeated ones included',
    });
    this.orders = metrics.counter({
      name: 'relay_orders_total',
      help: 'Orders in the outbox entries that Kafka acknowledged, repeated ones included',
    });
    this.foreign = metrics.counter({
      name: 'relay_foreign_entries_total',
      help: 'Outbox entries that the gate did not write, sent on to be parked',
    });
    this.failures = metrics.counter({
      name: 'relay_failures_total',
      help: 'Reads, leases and sends that failed and are tried again',
      labels: ['server'],
    });
    this.sendSeconds = metrics.histogram({
      name: 'relay_send_seconds',
      help: 'Time until all in-sync replicas had acknowledged what one read of a lane found',
      buckets: SECONDS_BUCKETS,
    });
    this.sendEntries = metrics.histogram({
      name: 'relay_send_entries',
      help: 'Outbox entries in one send of a lane',
      buckets: SIZE_BUCKETS,
    });
  }

  sent({ entries, orders, durationMs }: { entries: number; orders: number; durationMs: number }): void {
    this.entries.inc(entries);
    this.orders.inc(orders);
    this.sendEntries.observe(entries);
    this.sendSeconds.observe(durationMs / 1_000);
  }

  foreignEntry(): void {
    this.foreign.inc();
  }

  failed(server: 'redis' | 'kafka'): void {
    this.failures.inc({ server });
  }

  /** Gauges that are read at each scrape. */
  watch({ leases, backlog }: { leases: () => number; backlog: () => Promise<Backlog> }): void {
    this.metrics.gauge({
      name: 'relay_leases',
      help: 'Outboxes that this relay may read now',
      collect: (gauge) => {
        gauge.set(leases());
      },
    });
    const longest = this.metrics.gauge({
      name: 'outbox_longest_entries',
      help: 'Entries not yet settled in the longest outbox that this relay reads',
    });
    const oldest = this.metrics.gauge({
      name: 'outbox_oldest_seconds',
      help: 'Age of the oldest order that is not settled in the outboxes that this relay reads',
    });
    this.metrics.gauge({
      name: 'outbox_entries',
      help: 'Entries not yet settled in the outboxes that this relay reads',
      collect: async (gauge) => {
        const now = await backlog();
        gauge.set(now.entries);
        longest.set(now.longest);
        oldest.set(now.oldestMs / 1_000);
      },
    });
  }
}
