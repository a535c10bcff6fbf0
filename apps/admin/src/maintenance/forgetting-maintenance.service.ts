import { ExclusiveWork, Forgetting, RETENTION_IS_OVER } from '@flux/ledger';
import { LOG, type Log, Metrics } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { countGauge } from '../count-gauge';
import { noteForgetting } from '../forget-record';
import { SYSTEM_ACTOR } from '../keys/api-keys';
import type { MaintenanceRound } from './maintenance-round';

/** Advisory lock: one process at a time forgets. */
const FORGETTING_LOCK = 7_305_014;
/** A retention time is days. */
const FORGETTING_PAUSE_MS = 600_000;

/** Forgets the shoppers of sales whose retention time is over. */
@Injectable()
export class ForgettingMaintenance {
  constructor(
    private readonly dataSource: DataSource,
    private readonly exclusive: ExclusiveWork,
    private readonly forgetting: Forgetting,
    @Inject(LOG) private readonly log: Log,
    metrics: Metrics,
  ) {
    countGauge(metrics, dataSource, {
      name: 'sales_retention_overdue',
      help: 'Sales whose retention time is over and whose shoppers are not forgotten yet',
      sql: `SELECT count(*)::int AS count FROM sales WHERE ${RETENTION_IS_OVER}`,
    });
  }

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'forgetting', pauseMs: FORGETTING_PAUSE_MS, work: () => this.forgetDue() }];
  }

  /**
   * Forgets sale after sale; one that cannot be forgotten now is logged with its reason, and holds up no other.
   * @throws where a sale failed, after all had their turn; the next round goes on from there
   */
  async forgetDue(): Promise<void> {
    const failures: unknown[] = [];
    await this.exclusive.run(FORGETTING_LOCK, async (signal) => {
      for (const saleId of await this.forgetting.salesToForget()) {
        await this.forget(saleId, signal).catch((error: unknown) => failures.push(error));
        signal.throwIfAborted();
      }
    });
    if (failures.length > 0) throw failures[0];
  }

  private async forget(saleId: string, signal: AbortSignal): Promise<void> {
    const done = await this.forgetting.forgetSale(saleId, signal);
    await noteForgetting(this.dataSource, SYSTEM_ACTOR, done);
    switch (done.outcome) {
      case 'forgotten':
        this.log.info({ saleId, shoppers: done.shoppers, orders: done.orders }, 'shoppers forgotten');
        return;
      case 'skipped':
        this.log.warn({ saleId, reason: done.reason }, 'the shoppers of a sale cannot be forgotten yet');
        return;
    }
  }
}
