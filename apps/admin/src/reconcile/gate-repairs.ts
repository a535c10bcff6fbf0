import { randomUUID } from 'node:crypto';
import { type ItemRef, itemName } from '@flux/contracts';
import { GateClient, GateUnavailableError, type RepairOutcome } from '@flux/gate';
import { GateRepairEntity } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { SYSTEM_ACTOR } from '../keys/api-keys';
import type { SeenGate } from './drift';
import { DriftMetrics } from './drift.metrics';

const PENDING_PER_ROUND = 1_000;

type Completion =
  | { readonly outcome: 'applied'; readonly repair: GateRepairEntity; readonly delta: number }
  /** Not needed any more, or another process was faster. */
  | { readonly outcome: 'over' }
  /** The gate cannot be asked, or did not answer. */
  | { readonly outcome: 'pending' };

/**
 * Corrections of gates. Each is written down before the gate is touched, and may be repeated in any number of
 * processes: the gate knows it by its id, and takes it only while it is at the version that was seen. So a frozen
 * process that wakes up late corrects nothing that another one has corrected, and each that had an effect is in the
 * audit log, once.
 */
@Injectable()
export class GateRepairs {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
    private readonly metrics: DriftMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /**
   * Gives the gate of an item what the ledger has free.
   * @throws where PostgreSQL fails; what the gate did then is completed by `completePending`
   */
  async repair(item: ItemRef, { epoch, version, available, expected }: SeenGate): Promise<void> {
    const { saleId, productId } = item;
    const id = randomUUID();
    const seen = { epoch, version, available, expected, delta: expected - available };
    await this.dataSource.manager.insert(GateRepairEntity, { id, saleId, productId, ...seen });
    await this.complete(id);
  }

  /**
   * Goes on with what a crash or an outage cut.
   * @returns the items, by `itemName`, that have to wait for an answer of their gate
   */
  async completePending(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const pending = await this.dataSource.manager.find(GateRepairEntity, {
      where: { state: 'pending' },
      order: { createdAt: 'ASC' },
      take: PENDING_PER_ROUND,
    });
    const waiting = new Set<string>();
    for (const repair of pending) {
      const { outcome } = await this.complete(repair.id);
      if (outcome === 'pending') waiting.add(itemName(repair));
      signal.throwIfAborted();
    }
    return waiting;
  }

  private async complete(id: string): Promise<Completion> {
    const completion = await this.dataSource.transaction((manager) => this.completeIn(manager, id));
    if (completion.outcome === 'applied') {
      const { saleId, productId, epoch, available, expected } = completion.repair;
      const { delta } = completion;
      this.metrics.repaired(delta > 0 ? 'raised' : 'lowered');
      this.log.warn({ saleId, productId, epoch, available, expected, delta }, 'a stock was put right');
    }
    return completion;
  }

  private async completeIn(manager: EntityManager, id: string): Promise<Completion> {
    const lock = { mode: 'pessimistic_write' } as const;
    const repair = await manager.findOne(GateRepairEntity, { where: { id, state: 'pending' }, lock });
    if (repair === null) return { outcome: 'over' };
    const answer = await this.ask(repair);
    switch (answer.outcome) {
      case 'applied':
      case 'done': {
        const { delta } = answer;
        const applied = { state: 'applied', delta, decidedAt: () => 'now()' } as const;
        await manager.update(GateRepairEntity, { id }, applied);
        const { epoch, available, expected } = repair;
        await recordAudit(manager, {
          actor: SYSTEM_ACTOR,
          action: 'gate.repair',
          subject: itemName(repair),
          before: { available },
          after: { available: available + delta, delta, expected, epoch, repair: id },
        });
        return { outcome: 'applied', repair, delta };
      }
      case 'changed':
        await manager.delete(GateRepairEntity, { id });
        return { outcome: 'over' };
      case 'unavailable':
        return { outcome: 'pending' };
    }
  }

  private async ask({
    id,
    saleId,
    productId,
    epoch,
    version,
    delta,
  }: GateRepairEntity): Promise<RepairOutcome | { readonly outcome: 'unavailable' }> {
    try {
      return await this.gate.repair({ saleId, productId, epoch, version, delta, changeId: `repair:${id}` });
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      return { outcome: 'unavailable' };
    }
  }
}
