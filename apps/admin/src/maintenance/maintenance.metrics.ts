import { Metrics } from '@flux/telemetry';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { countGauge } from '../count-gauge';
import type { GateProblem } from '../gate-driver/gate-step';

const MAINTENANCE_TASKS = [
  'closing',
  'completing',
  'retiring',
  'payments',
  'refunds',
  'webhooks',
  'pruning',
  'forgetting',
  'rebuilding',
  'proving',
  'comparing',
  'reconciling',
  'exhausting',
  'drawing',
  'keeping',
  'access',
  'concentrating',
] as const;
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
    countGauge(metrics, dataSource, {
      name: 'stock_changes_pending',
      help: 'Stock changes whose second step is still to come',
      sql: "SELECT count(*)::int AS count FROM stock_changes WHERE state = 'pending'",
    });
    countGauge(metrics, dataSource, {
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
