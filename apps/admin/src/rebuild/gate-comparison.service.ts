import { type ItemRef, itemName } from '@flux/contracts';
import { GateRebuild, MAX_ORDERS_PER_REBUILD_PAGE } from '@flux/gate';
import { ExclusiveWork, RebuildLedger, Suspensions } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { type GateInDoubt, gatesInDoubt } from './gates-in-doubt';

/** Advisory lock: one process at a time compares. */
const COMPARING_LOCK = 7_305_020;
const LOOK_EVERY_MS = 1_000;

type Comparison =
  { readonly outcome: 'equal' | 'later' } | { readonly outcome: 'behind'; readonly reason: string };

/**
 * Compares a gate with what it was told of each order, once after each start of its Redis and each failover. By then it
 * is proven to have forgotten no purchase (GateProof) and sells again; that it has forgotten nothing but the end or the
 * payment of orders is found out only here. Such an item is suspended, and with that rebuilt.
 */
@Injectable()
export class GateComparison {
  constructor(
    private readonly gateRebuild: GateRebuild,
    private readonly ledger: RebuildLedger,
    private readonly suspensions: Suspensions,
    private readonly exclusive: ExclusiveWork,
    @Inject(LOG) private readonly log: Log,
  ) {}

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'comparing', pauseMs: LOOK_EVERY_MS, work: () => this.compareAll() }];
  }

  /**
   * One round over all gates.
   * @throws where Redis or PostgreSQL cannot be asked; the next round goes on
   */
  async compareAll(): Promise<void> {
    await this.exclusive.run(COMPARING_LOCK, async (signal) => {
      const { ledger, gateRebuild } = this;
      const uncompared = await gatesInDoubt('uncompared', { ledger, gateRebuild });
      for (const gate of uncompared) await this.compare(gate, signal);
    });
  }

  private async compare(
    { saleId, productId, epoch, run }: GateInDoubt<'uncompared'>,
    signal: AbortSignal,
  ): Promise<void> {
    const item = { saleId, productId };
    const comparison = await this.comparePages(item, epoch, signal);
    switch (comparison.outcome) {
      case 'equal':
        await this.gateRebuild.vouch(item, { epoch, run }, 'compared');
        return;
      case 'later':
        return;
      case 'behind': {
        const { reason } = comparison;
        await this.suspensions.suspend({ ...item, epoch }, reason);
        this.log.error({ item: itemName(item), epoch, reason }, 'Redis has forgotten what it had answered');
      }
    }
  }

  /** Each row is read before its record: what the gate was told by then it must know. */
  private async comparePages(item: ItemRef, epoch: number, signal: AbortSignal): Promise<Comparison> {
    for await (const orders of this.ledger.toldPages(item, MAX_ORDERS_PER_REBUILD_PAGE)) {
      signal.throwIfAborted();
      const found = await this.gateRebuild.compare({ ...item, epoch, orders });
      switch (found.outcome) {
        case 'equal':
          break;
        case 'unsettled':
        case 'otherEpoch':
          return { outcome: 'later' };
        case 'behind':
          return { outcome: 'behind', reason: `the gate has forgotten what it was told of ${found.orderId}` };
      }
    }
    return { outcome: 'equal' };
  }
}
