import { Metrics } from '@flux/telemetry';
import { Injectable } from '@nestjs/common';
import { ALARM_KINDS, type Alarm } from './alarm';

export interface DriftUnits {
  readonly surplus: number;
  readonly deficit: number;
}

/** Drift between gates and ledger, and what was done about it. */
@Injectable()
export class DriftMetrics {
  private readonly units;
  private readonly repairs;
  private readonly alarms;

  constructor(metrics: Metrics) {
    this.units = metrics.gauge({
      name: 'gate_drift_units',
      help: 'Units that gates had more or less than the ledger has free, by the last round, before it repaired them',
      labels: ['direction'],
    });
    this.found({ surplus: 0, deficit: 0 });
    this.repairs = metrics.counter({
      name: 'gate_repairs_total',
      help: 'Stocks of gates that were put right',
      labels: ['direction'],
    });
    for (const direction of ['raised', 'lowered'] as const) this.repairs.inc({ direction }, 0);
    this.alarms = metrics.gauge({
      name: 'gate_drift_alarms',
      help: 'Items that do not agree with the ledger in a way that no repair mends, by the last round',
      labels: ['kind'],
    });
    this.alarming([]);
  }

  found({ surplus, deficit }: DriftUnits): void {
    this.units.set({ direction: 'surplus' }, surplus);
    this.units.set({ direction: 'deficit' }, deficit);
  }

  repaired(direction: 'raised' | 'lowered'): void {
    this.repairs.inc({ direction });
  }

  alarming(alarms: readonly Alarm[]): void {
    for (const kind of ALARM_KINDS) {
      this.alarms.set({ kind }, alarms.filter((alarm) => alarm.kind === kind).length);
    }
  }
}
