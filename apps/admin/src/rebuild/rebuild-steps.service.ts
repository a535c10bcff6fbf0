import { type GateLook, GateRebuild, MAX_ORDERS_PER_REBUILD_PAGE } from '@flux/gate';
import { type GateSubject, RebuildLedger } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { mustBe, Overtaken, repeated } from './gate-steps';
import { OutboxDrain } from './outbox-drain.service';
import { type OpenedGate, RebuildOpening } from './rebuild-opening.service';
import type { RebuildTrack } from './rebuild-track';

export type StepsOutcome =
  | OpenedGate
  /** The orders processes have still to apply what Kafka has. */
  | { readonly outcome: 'waiting'; readonly behind: bigint };

/**
 * The steps of a rebuild, in the order of DESIGN.md, "Rebuild of one item". Between closing and opening the gate sells
 * nothing and gives nothing back. May be cut off between any two: whoever comes next starts over in a newer epoch, and
 * whoever was overtaken is refused by the gate or by the ledger.
 */
@Injectable()
export class RebuildSteps {
  constructor(
    private readonly gateRebuild: GateRebuild,
    private readonly drain: OutboxDrain,
    private readonly ledger: RebuildLedger,
    private readonly opening: RebuildOpening,
  ) {}

  /**
   * @param look at the gate, `subject` as the ledger had it after that; the caller holds the item's lock
   * @param patienceMs how long to wait for the orders processes before `waiting`
   * @throws where a server does not answer or a step was refused
   */
  async run(
    track: RebuildTrack,
    found: { readonly look: GateLook; readonly subject: GateSubject },
    patienceMs: number,
  ): Promise<StepsOutcome> {
    const { look, subject } = found;
    const { item, signal, closedBy } = track;

    await track.enter('closing');
    const closed = await this.gateRebuild.close({ ...item, epoch: look.epoch, closedBy });
    if (closed.outcome !== 'gone') mustBe('closed', closed);

    await track.enter('relaying');
    const drain = { isReadable: look.isOutboxReadable, patienceMs, signal };
    const drained = await this.drain.drain(item, drain, (figures) => track.enter('waiting', figures));
    if (drained.outcome === 'waiting') return { outcome: 'waiting', behind: drained.behind };

    const epoch = Math.max(subject.epoch, look.epoch) + 1;
    await track.enter('counting', { epoch, unreadable: drained.unreadable });
    const available = await this.startOver({ ...subject, closedBy }, epoch, drained.endOffset);

    await track.enter('writing', { available });
    const written = await this.writeOrders(track, epoch);

    await track.enter('opening', { orders: written.orders });
    return this.opening.open(track, subject.epoch, { ...written, epoch, available });
  }

  /**
   * The old gate goes before the units are counted: whatever ends or comes back from then on is told to the new gate, or
   * is in the count, and never both or neither (ADR 12).
   * @returns the units that nobody has
   */
  private async startOver(
    subject: GateSubject & { readonly closedBy: string },
    epoch: number,
    endOffset: bigint,
  ): Promise<number> {
    const { saleId, productId, epoch: from } = subject;
    mustBe('begun', await this.gateRebuild.begin({ ...subject, epoch }));
    const raised = await this.ledger.raiseEpoch({ saleId, productId, from, to: epoch, endOffset });
    if (raised.outcome === 'otherEpoch') throw new Overtaken(`the ledger is in epoch ${raised.epoch}`);
    return raised.available;
  }

  private async writeOrders(
    track: RebuildTrack,
    epoch: number,
  ): Promise<{ readonly orders: number; readonly lastOrderId: string }> {
    const { item } = track;
    let lastOrderId = '';
    let written = 0;
    for await (const orders of this.ledger.orderPages(item, MAX_ORDERS_PER_REBUILD_PAGE)) {
      const page = { ...item, epoch, after: lastOrderId, orders };
      mustBe('written', await repeated(() => this.gateRebuild.page(page)));
      lastOrderId = orders.at(-1)?.orderId ?? lastOrderId;
      written += orders.length;
      await track.enter('writing', { orders: written });
    }
    return { orders: written, lastOrderId };
  }
}
