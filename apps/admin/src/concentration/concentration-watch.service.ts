import { SHARE_KINDS, type ShareKind } from '@flux/gate';
import { SaleEntity } from '@flux/ledger';
import { LOG, type Log, Metrics } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, In } from 'typeorm';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { ALARM_PERCENT } from './concentration-settings';
import { type Concentration, Concentrations } from './concentration.service';
import { isAlarming, tellingShare } from './spread';

/** A sale of a million buyers takes about a second to read. */
const WATCH_MS = 15_000;

/** Watches how the units of the sales in Redis are spread: gauges for alarms, and one line in the log for each. */
@Injectable()
export class ConcentrationWatch {
  private readonly share;
  private readonly alarms;
  /** `<saleId> <kind>` of those that are known. */
  private alarming: ReadonlySet<string> = new Set();

  constructor(
    private readonly dataSource: DataSource,
    private readonly concentrations: Concentrations,
    @Inject(ALARM_PERCENT) private readonly alarmPercent: number,
    @Inject(LOG) private readonly log: Log,
    metrics: Metrics,
  ) {
    this.share = metrics.gauge({
      name: 'concentration_top_share',
      help: 'Largest share of the units of a sale, from 0 to 1, that one source has; sales with 100 units or more',
      labels: ['kind'],
    });
    this.alarms = metrics.gauge({
      name: 'concentration_alarms',
      help: 'Sales of which one source has more than the configured share; the log names them',
      labels: ['kind'],
    });
    this.show([]);
  }

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'concentrating', pauseMs: WATCH_MS, work: () => this.watch() }];
  }

  /** @throws GateUnavailableError; the gauges keep what they had */
  async watch(): Promise<void> {
    const sales = await this.dataSource.manager.find(SaleEntity, {
      select: { id: true },
      where: { state: In(['open', 'paused', 'closed']) },
    });
    const seen: Concentration[] = [];
    const alarming = new Set<string>();
    for (const { id: saleId } of sales) {
      const concentration = await this.concentrations.count(saleId);
      seen.push(concentration);
      for (const kind of SHARE_KINDS) {
        if (!isAlarming(concentration[kind], this.alarmPercent)) continue;
        alarming.add(`${saleId} ${kind}`);
        this.tell(saleId, kind, concentration);
      }
    }
    this.alarming = alarming;
    this.show(seen);
  }

  /** Once for each sale and kind. */
  private tell(saleId: string, kind: ShareKind, { [kind]: spread }: Concentration): void {
    if (this.alarming.has(`${saleId} ${kind}`)) return;
    const { units, sources } = spread;
    this.log.warn(
      { saleId, kind, share: tellingShare(spread), units, sources },
      'one source has much of a sale',
    );
  }

  private show(seen: readonly Concentration[]): void {
    for (const kind of SHARE_KINDS) {
      const ofKind = seen.map(({ [kind]: spread }) => spread);
      this.share.set({ kind }, Math.max(0, ...ofKind.map(tellingShare)));
      this.alarms.set({ kind }, ofKind.filter((spread) => isAlarming(spread, this.alarmPercent)).length);
    }
  }
}
