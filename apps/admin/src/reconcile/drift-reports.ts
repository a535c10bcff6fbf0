import { type ItemRef, itemName } from '@flux/contracts';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import type { Alarm } from './alarm';
import { DriftMetrics, type DriftUnits } from './drift.metrics';

/** What a whole round has found. */
export interface DriftFindings extends DriftUnits {
  readonly alarms: readonly Alarm[];
}

/** Shows operators what is found: in metrics, and in the log once when something is wrong, and once when it is over. */
@Injectable()
export class DriftReports {
  private raised = new Map<string, Alarm>();

  constructor(
    private readonly metrics: DriftMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {}

  publish({ alarms, ...units }: DriftFindings): void {
    const now = new Map(alarms.map((alarm) => [`${alarm.kind} ${itemName(alarm.item)}`, alarm]));
    for (const [key, { kind, item, detail }] of now) {
      if (this.raised.has(key)) continue;
      this.log.error({ ...refOf(item), kind, detail }, 'gate and ledger do not agree');
    }
    for (const [key, { kind, item }] of this.raised) {
      if (!now.has(key)) this.log.info({ ...refOf(item), kind }, 'gate and ledger agree again');
    }
    this.raised = now;
    this.metrics.found(units);
    this.metrics.alarming(alarms);
  }
}

function refOf({ saleId, productId }: ItemRef): ItemRef {
  return { saleId, productId };
}
