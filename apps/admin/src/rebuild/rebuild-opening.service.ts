import { itemName } from '@flux/contracts';
import { GateRebuild, Outboxes } from '@flux/gate';
import { type FinishedRebuild, RebuildLedger, Rebuilds } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { recordAudit } from '../audit-log/audit-log.repository';
import { GateDriver } from '../gate-driver/gate-driver.service';
import { SalePublisher } from '../gate-driver/sale-publisher';
import { mustBe, Overtaken, repeated } from './gate-steps';
import type { RebuildTrack } from './rebuild-track';

export interface NewGate {
  readonly epoch: number;
  readonly orders: number;
  /** Units that nobody has. */
  readonly available: number;
}

export interface WrittenGate extends NewGate {
  /** The last order that was written; empty where there is none. */
  readonly lastOrderId: string;
}

export type OpenedGate = { readonly outcome: 'rebuilt'; readonly finished: FinishedRebuild } & NewGate;

/** The last step of a rebuild. */
@Injectable()
export class RebuildOpening {
  constructor(
    private readonly gateRebuild: GateRebuild,
    private readonly outboxes: Outboxes,
    private readonly ledger: RebuildLedger,
    private readonly rebuilds: Rebuilds,
    private readonly driver: GateDriver,
    private readonly publisher: SalePublisher,
  ) {}

  /**
   * Puts a gate to work whose orders are all written, in the state that PostgreSQL has by now; nobody drives the sale to
   * another meanwhile.
   * @throws Overtaken, GateUnavailableError, and where PostgreSQL fails
   */
  async open(track: RebuildTrack, fromEpoch: number, gate: WrittenGate): Promise<OpenedGate> {
    const { item, attempt } = track;
    const { epoch, available, orders, lastOrderId } = gate;
    if (!(await this.ledger.liftSuspension(item, epoch))) throw new Overtaken('the ledger has a newer epoch');
    // Redis may have lost, too, what leads gateways and relays to the item.
    await this.publisher.publishIfMissing();
    await this.outboxes.add([item]);
    return this.driver.alone(item.saleId, async (manager) => {
      const now = await this.ledger.subject(item, manager);
      if (now === undefined) throw new Overtaken('the sale was retired');
      const { saleState: state, isCurrent } = now;
      const end = { ...item, epoch, lastOrderId, available, state, isCurrent };
      mustBe('finished', await repeated(() => this.gateRebuild.end(end)));
      const finished = await this.rebuilds.done(manager, attempt);
      if (finished === undefined) throw new Overtaken('another attempt has begun');
      await recordAudit(manager, {
        actor: finished.actor,
        action: 'gate.rebuild',
        subject: itemName(item),
        before: { epoch: fromEpoch },
        after: { epoch, orders, available, reason: finished.reason },
      });
      return { outcome: 'rebuilt', epoch, orders, available, finished };
    });
  }
}
