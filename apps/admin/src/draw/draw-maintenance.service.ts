import { ExclusiveWork, SaleEntity } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { salesToDraw } from './draw.repository';
import { DrawSteps } from './draw-steps.service';

/** Advisory lock: one process at a time draws. */
const DRAWING_LOCK = 7_305_022;
/** Nobody is called between opening and draw. */
const PAUSE_MS = 250;
/** The clock of Redis decides, and may be ahead of PostgreSQL's. */
const CLOCK_LEAD_MS = 60_000;

/** Draws the places of those who joined before the opening, as soon as it has come and the beacon has spoken. */
@Injectable()
export class DrawMaintenance {
  constructor(
    private readonly dataSource: DataSource,
    private readonly exclusive: ExclusiveWork,
    private readonly steps: DrawSteps,
    @Inject(LOG) private readonly log: Log,
  ) {}

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'drawing', pauseMs: PAUSE_MS, work: () => this.drawDue() }];
  }

  /**
   * Sale after sale; one that cannot be drawn now holds up no other.
   * @throws what the first of these threw, after all had their turn; the next round goes on from there
   */
  async drawDue(): Promise<void> {
    const due = await salesToDraw(this.dataSource.manager, CLOCK_LEAD_MS);
    if (due.length === 0) return;
    const failures: unknown[] = [];
    await this.exclusive.run(DRAWING_LOCK, async (signal) => {
      for (const saleId of due) {
        await this.draw(saleId, signal).catch((error: unknown) => failures.push(error));
        signal.throwIfAborted();
      }
    });
    if (failures.length > 0) throw failures[0];
  }

  private async draw(saleId: string, signal: AbortSignal): Promise<void> {
    const sale = await this.dataSource.manager.findOneByOrFail(SaleEntity, { id: saleId });
    if (sale.drawSeed === null || sale.draw !== null) return;
    const isClosed = await this.steps.close(sale);
    const waitsForBeacon = sale.admission.beacon !== undefined && sale.beaconValue === null;
    if (!isClosed || waitsForBeacon) return;
    const { tickets, listHash } = await this.steps.give(sale, sale.drawSeed, signal);
    this.log.info({ saleId, tickets, listHash }, 'the places of the lobby were drawn');
  }
}
