import { orderIdsOf, type ItemRef } from '@flux/contracts';
import { GateClient, GateUnavailableError, Outboxes, type SettleRequest } from '@flux/gate';
import {
  catchUpStep,
  LedgerReader,
  Suspensions,
  TellGate,
  type CatchUpStep,
  type ItemResult,
  type LedgerEntity,
} from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { OrdersMetrics } from './orders.metrics';

/** Outbox entries of one step: 6,400 orders at most. */
const ENTRIES_PER_STEP = 100;

/** How far a gate has come. */
interface GatePosition {
  readonly epoch: number;
  readonly watermark: number;
}

/** Tells the gate what the ledger has committed. */
@Injectable()
export class SettleService {
  constructor(
    private readonly gate: GateClient,
    private readonly outboxes: Outboxes,
    private readonly reader: LedgerReader,
    private readonly tellGate: TellGate,
    private readonly suspensions: Suspensions,
    private readonly metrics: OrdersMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /**
   * Settles what a transaction committed. Never rejects: what cannot be settled now is logged and left to the
   * sweeper, for the transaction is committed whatever becomes of this.
   */
  async settle(result: ItemResult): Promise<void> {
    const { saleId, productId, epoch, settlement, untold, suspended } = result;
    const item = { saleId, productId };
    try {
      // First what lets units sell again; the settlement has these orders' states too.
      if (untold.length > 0) await this.tellGate.tell(item, untold);
      if (settlement !== undefined) await this.send(settlement);
      if (suspended !== undefined) await this.gate.suspend({ ...item, epoch });
    } catch (error) {
      this.metrics.settled('failed');
      const level = error instanceof GateUnavailableError ? 'warn' : 'error';
      this.log[level]({ ...item, reason: String(error) }, 'not settled: left to the sweeper');
    }
  }

  /**
   * Settles all that the ledger has judged of what waits in an item's outbox, without Kafka.
   * @throws where the gate or the ledger cannot be asked
   */
  async catchUp(item: ItemRef): Promise<void> {
    const gate = await this.gate.readItem(item);
    if (gate !== undefined) await this.settleAbove(item, gate);
  }

  /** Notes in the ledger, then at the gate, that the item waits for its rebuild. */
  async suspend(item: ItemRef & { readonly epoch: number }, reason: string): Promise<void> {
    if (await this.suspensions.suspend(item, reason)) {
      this.metrics.rewindFound();
      this.log.error({ ...item, reason }, 'Redis went back in time: the item waits for its rebuild');
    }
    await this.gate.suspend(item);
  }

  private async send(request: SettleRequest): Promise<void> {
    const outcome = await this.gate.settle(request);
    this.metrics.settled(outcome.outcome);
    switch (outcome.outcome) {
      case 'settled':
      case 'gone':
      case 'notReady':
        return;
      case 'otherEpoch':
        this.log.debug(
          { ...itemOf(request), epoch: request.epoch, gateEpoch: outcome.epoch },
          'the gate has another epoch',
        );
        return;
      case 'behind':
        await this.settleAbove(request, { epoch: request.epoch, watermark: outcome.watermark });
        return;
      case 'rewound':
        await this.rewound(request);
        return;
    }
  }

  /**
   * An earlier settle is missing: page by page, what the outbox holds above the gate's watermark. Where it lacks what
   * should follow, nothing is settled: the sweeper finds out whether Redis went back in time.
   */
  private async settleAbove({ saleId, productId }: ItemRef, gate: GatePosition): Promise<void> {
    const item = { saleId, productId };
    // The row first: what it counts as applied has its order rows in every later read.
    const ledger = await this.reader.ledger(item);
    if (ledger?.epoch !== gate.epoch) return;
    let settled = gate.watermark;
    while (settled < ledger.watermark) {
      const step = await this.nextStep(ledger, settled);
      if (step.outcome === 'rewound') await this.suspend({ ...item, epoch: ledger.epoch }, step.reason);
      if (step.outcome !== 'settle') return;
      const outcome = await this.gate.settle(step.request);
      this.metrics.settled(outcome.outcome);
      if (outcome.outcome === 'rewound') await this.rewound(step.request);
      if (outcome.outcome !== 'settled') return;
      settled = step.request.watermark;
    }
  }

  private async nextStep(ledger: LedgerEntity, settled: number): Promise<CatchUpStep> {
    const { saleId, productId, epoch, watermark } = ledger;
    const item = { saleId, productId };
    const page = { after: `${epoch}-${settled}`, count: ENTRIES_PER_STEP };
    const entries = await this.outboxes.read(item, page);
    const events = entries.flatMap((entry) => (entry.outcome === 'event' ? [entry.event] : []));
    const known = await this.reader.knownOrders(events.flatMap(orderIdsOf));
    return catchUpStep({ ...item, epoch, settled, watermark, events, known });
  }

  private async rewound({ saleId, productId, epoch }: SettleRequest): Promise<void> {
    await this.suspend({ saleId, productId, epoch }, 'the gate does not know the order at the watermark');
  }
}

function itemOf({ saleId, productId }: ItemRef): ItemRef {
  return { saleId, productId };
}
