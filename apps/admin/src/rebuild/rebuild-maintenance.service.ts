import { backoffMs } from '@flux/background';
import { itemName, type ItemRef } from '@flux/contracts';
import { GateRebuild } from '@flux/gate';
import { describeFailure, type GateSubject, RebuildLedger } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { inSlices } from '../gate-driver/in-slices';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { rebuildNeed } from './rebuild-need';
import { RebuildMetrics } from './rebuild.metrics';
import { Rebuilder } from './rebuilder.service';

const LOOK_EVERY_MS = 1_000;
/** More share Redis and PostgreSQL with those who buy; each holds a connection while it lasts. */
const REBUILDS_AT_ONCE = 4;
/** Of an item whose attempts fail. */
const RETRY = { firstMs: 1_000, maxMs: 30_000 };

interface Failing {
  readonly failures: number;
  readonly notBefore: number;
}

/**
 * Looks each second at the gates of all items that were opened, and rebuilds those that need it. Harmless in any number
 * of processes. An item that waits or fails holds up no other.
 */
@Injectable()
export class RebuildMaintenance {
  private readonly failing = new Map<string, Failing>();
  private ahead = new Set<string>();
  private readonly atOnce: number;

  constructor(
    private readonly rebuilder: Rebuilder,
    private readonly gateRebuild: GateRebuild,
    private readonly ledger: RebuildLedger,
    private readonly metrics: RebuildMetrics,
    dataSource: DataSource,
    @Inject(LOG) private readonly log: Log,
  ) {
    const { poolSize = REBUILDS_AT_ONCE } = dataSource.options;
    // Each holds a connection for its lock and needs another one.
    this.atOnce = Math.max(1, Math.min(REBUILDS_AT_ONCE, Math.floor(poolSize / 2)));
  }

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'rebuilding', pauseMs: LOOK_EVERY_MS, work: () => this.rebuildAll() }];
  }

  /**
   * One look at every gate, and one attempt for each that needs it.
   * @throws where Redis or PostgreSQL cannot be asked; the next round goes on
   */
  async rebuildAll(): Promise<void> {
    const waiting = await this.itemsInNeed();
    this.metrics.waiting(waiting.length);
    const ahead = new Set<string>();
    const queue = [...waiting];
    const worker = async (): Promise<void> => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
        if (await this.attempt(item)) ahead.add(itemName(item));
      }
    };
    await Promise.all(Array.from({ length: this.atOnce }, worker));
    this.alarm(ahead);
  }

  private async itemsInNeed(): Promise<readonly GateSubject[]> {
    const inNeed: GateSubject[] = [];
    for (const slice of inSlices(await this.ledger.subjects())) {
      const looks = await Promise.all(slice.map((item) => this.gateRebuild.look(item)));
      for (const [index, subject] of slice.entries()) {
        const look = looks[index];
        // The ledger was read before the gate: what this makes of it is only a suspicion, which the attempt looks into.
        const suspected = look !== undefined && rebuildNeed(look, subject).need !== 'none';
        if (suspected || subject.isRebuilding) inNeed.push(subject);
      }
    }
    return inNeed;
  }

  /** @returns whether its gate is ahead of the ledger */
  private async attempt(item: ItemRef): Promise<boolean> {
    const name = itemName(item);
    const failing = this.failing.get(name);
    if (failing !== undefined && performance.now() < failing.notBefore) return false;
    try {
      const { outcome } = await this.rebuilder.rebuild(item);
      this.failing.delete(name);
      return outcome === 'replayFirst';
    } catch (error) {
      const failures = (failing?.failures ?? 0) + 1;
      this.failing.set(name, { failures, notBefore: performance.now() + backoffMs(failures, RETRY) });
      const { saleId, productId } = item;
      const reason = describeFailure(error);
      this.log.warn({ saleId, productId, failures, reason }, 'the gate was not rebuilt: tries again');
      return false;
    }
  }

  /** Never rebuilt by itself: that would forget orders which Kafka may still have. */
  private alarm(ahead: Set<string>): void {
    this.metrics.ahead(ahead.size);
    for (const item of ahead) {
      if (this.ahead.has(item)) continue;
      this.log.error(
        { item },
        'the gate is ahead of the ledger: PostgreSQL went back in time, run `npm run replay`',
      );
    }
    this.ahead = ahead;
  }
}
