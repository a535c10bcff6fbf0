import { REBUILD_KINDS, type RebuildKind } from '@flux/ledger';
import { Metrics } from '@flux/telemetry';
import { Injectable } from '@nestjs/common';

/** From a small item to a million orders. */
const REBUILD_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300] as const;

/** Of rebuilds, and of the items that wait for one. */
@Injectable()
export class RebuildMetrics {
  private readonly rebuilds;
  private readonly seconds;
  private readonly waitingItems;
  private readonly aheadItems;
  private readonly unprovenItems;

  constructor(metrics: Metrics) {
    this.rebuilds = metrics.counter({
      name: 'rebuilds_total',
      help: 'Attempts to rebuild a gate that ended: rebuilt, or failed and tried again',
      labels: ['reason', 'outcome'],
    });
    for (const reason of REBUILD_KINDS) {
      for (const outcome of ['rebuilt', 'failed'] as const) this.rebuilds.inc({ reason, outcome }, 0);
    }
    this.seconds = metrics.histogram({
      name: 'rebuild_seconds',
      help: 'From when a rebuild was found to be needed until the gate sold again',
      buckets: REBUILD_BUCKETS,
    });
    this.waitingItems = metrics.gauge({
      name: 'gates_waiting',
      help: 'Items whose gate waits for its rebuild, by the last look',
    });
    this.aheadItems = metrics.gauge({
      name: 'gates_ahead_of_ledger',
      help: 'Items whose gate knows more than PostgreSQL, by the last look: PostgreSQL went back in time, replay it',
    });
    this.unprovenItems = metrics.gauge({
      name: 'gates_unproven',
      help: 'Items that sell nothing after a start of Redis or a failover until they are seen to remember every relayed order, by the last look',
    });
    this.waitingItems.set(0);
    this.aheadItems.set(0);
    this.unprovenItems.set(0);
  }

  rebuilt(reason: RebuildKind, durationMs: number): void {
    this.rebuilds.inc({ reason, outcome: 'rebuilt' });
    this.seconds.observe(durationMs / 1_000);
  }

  failed(reason: RebuildKind): void {
    this.rebuilds.inc({ reason, outcome: 'failed' });
  }

  waiting(items: number): void {
    this.waitingItems.set(items);
  }

  unproven(items: number): void {
    this.unprovenItems.set(items);
  }

  ahead(items: number): void {
    this.aheadItems.set(items);
  }
}
