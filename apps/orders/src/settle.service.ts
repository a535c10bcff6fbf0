import { GateClient, GateUnavailableError, type SettleRequest } from '@flux/gate';
import type { ItemRef } from '@flux/contracts';
import { LedgerReader, Suspensions, type ItemResult } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { OrdersMetrics } from './orders.metrics';

/** Tells the gate what the ledger has committed. */
@Injectable()
export class SettleService {
  constructor(
    private readonly gate: GateClient,
    private readonly reader: LedgerReader,
    private readonly suspensions: Suspensions,
    private readonly metrics: OrdersMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /**
   * Settles what a transaction committed. Never rejects: what cannot be settled now is logged and left to the
   * sweeper, for the transaction is committed whatever becomes of this.
   */
  async settle(result: ItemResult): Promise<void> {
    const { saleId, productId, epoch, settlement, suspended } = result;
    const item = { saleId, productId };
    try {
      if (settlement !== undefined) await this.send(settlement);
      if (suspended !== undefined) await this.gate.suspend({ ...item, epoch });
    } catch (error) {
      this.metrics.settled('failed');
      const level = error instanceof GateUnavailableError ? 'warn' : 'error';
      this.log[level]({ ...item, reason: String(error) }, 'not settled: left to the sweeper');
    }
  }

  /**
   * Settles all that the gate lacks of an item, from the ledger alone.
   * @throws where the gate or the ledger cannot be asked
   */
  async catchUp(item: ItemRef): Promise<void> {
    const gate = await this.gate.readItem(item);
    if (gate === undefined) return;
    const ledger = await this.reader.ledger(item);
    if (ledger?.epoch !== gate.epoch) return;
    await this.settleAbove(item, gate);
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

  /** An earlier settle is missing: all that the ledger has above the gate's watermark. */
  private async settleAbove(
    { saleId, productId }: ItemRef,
    gate: { readonly epoch: number; readonly watermark: number },
  ): Promise<void> {
    for await (const request of this.reader.settlements({ saleId, productId }, gate)) {
      const outcome = await this.gate.settle(request);
      this.metrics.settled(outcome.outcome);
      if (outcome.outcome === 'rewound') await this.rewound(request);
      if (outcome.outcome !== 'settled') return;
    }
  }

  private async rewound({ saleId, productId, epoch }: SettleRequest): Promise<void> {
    await this.suspend({ saleId, productId, epoch }, 'the gate does not know the order at the watermark');
  }
}

function itemOf({ saleId, productId }: ItemRef): ItemRef {
  return { saleId, productId };
}
