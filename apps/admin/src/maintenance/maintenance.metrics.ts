import { Metrics } from '@flux/telemetry';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { GateProblem } from '../gate-driver/gate-step';

const MAINTENANCE_TASKS = ['closing', 'completing', 'retiring'] as const;
export type MaintenanceTask = (typeof MAINTENANCE_TASKS)[number];

const PROBLEMS: readonly GateProblem[] = ['missing', 'suspended', 'unsafe', 'diverged'];

/** What maintenance sees and how it fares. */
@Injectable()
export class MaintenanceMetrics {
  private readonly failures;
  private readonly problems;

  constructor(metrics: Metrics, dataSource: DataSource) {
    this.failures = metrics.counter({
      name: 'maintenance_failures_total',
      help: 'Rounds of maintenance that ended early; the next one goes on',
      labels: ['task'],
    });
    for (const task of MAINTENANCE_TASKS) this.failures.inc({ task }, 0);
    this.problems = metrics.gauge({
      name: 'gate_items_stuck',
      help: 'Items whose gate is not where PostgreSQL wants it, by the last round',
      labels: ['problem'],
    });
    this.stuck([]);
    countOf(metrics, dataSource, {
      name: 'stock_changes_pending',
      help: 'Stock changes whose second step is still to come',
      sql: "SELECT count(*)::int AS count FROM stock_changes WHERE state = 'pending'",
    });
    countOf(metrics, dataSource, {
      name: 'parked_messages_waiting',
      help: 'Messages put aside that nobody has looked after',
      sql: "SELECT count(*)::int AS count FROM parked_messages WHERE state = 'parked'",
    });
  }

  failed(task: MaintenanceTask): void {
    this.failures.inc({ task });
  }

  stuck(problems: readonly GateProblem[]): void {
    for (const problem of PROBLEMS) {
      this.problems.set({ problem }, problems.filter((found) => found === problem).length);
    }
  }
}

/** A gauge that is counted at each scrape, and keeps its last value while PostgreSQL does not answer. */
function countOf(
  metrics: Metrics,
  dataSource: DataSource,
  { name, help, sql }: { readonly name: string; readonly help: string; readonly sql: string },
): void {
  metrics.gauge({
    name,
    help,
    collect: async (gauge) => {
      if (!dataSource.isInitialized) return;
      const rows = await dataSource.query<{ readonly count: number }[]>(sql).catch(() => []);
      const [row] = rows;
      if (row !== undefined) gauge.set(row.count);
    },
  });
}
