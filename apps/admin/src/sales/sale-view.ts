import { freeUnits } from '@flux/ledger';
import { type GateItem, GateClient, GateUnavailableError } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import type { Sale, SaleItem } from './sale';
import { RoomView } from '../waiting-room/room-view';
import type { GateCounters, OperatorSale, SaleItemAnswer } from './sale-answer';

/** Sales as operators see them: what the ledger says and what gate and waiting room say, side by side. */
@Injectable()
export class SaleView {
  constructor(
    private readonly gate: GateClient,
    private readonly rooms: RoomView,
  ) {}

  /** Shows `unreachable` for the gate where Redis does not answer, rather than fail. */
  async of(sale: Sale): Promise<OperatorSale> {
    const { id, name, state, opensAt, closesAt, holdMs, retentionMs, createdAt } = sale;
    const [admission, ...items] = await Promise.all([
      this.rooms.of(sale),
      ...sale.items.map((item) => this.item(sale, item)),
    ]);
    return {
      id,
      name,
      state,
      opensAt: opensAt.toISOString(),
      closesAt: closesAt.toISOString(),
      holdMs,
      retentionMs,
      createdAt: createdAt.toISOString(),
      admission,
      items,
    };
  }

  private async item(sale: Sale, item: SaleItem): Promise<SaleItemAnswer> {
    const { productId, name, priceMinor, currency, perShopperLimit, ledger } = item;
    return {
      productId,
      name,
      priceMinor,
      currency,
      perShopperLimit,
      gate: await this.gateCounters(sale, item),
      ledger: { ...ledger, free: freeUnits(ledger) },
    };
  }

  private async gateCounters({ state }: Sale, item: SaleItem): Promise<GateCounters> {
    if (!item.gateOpened) return { status: 'notOpened' };
    try {
      const gate = await this.gate.readItem(item);
      if (gate !== undefined) return counters(gate);
      return { status: state === 'retired' ? 'ended' : 'missing' };
    } catch (error) {
      if (error instanceof GateUnavailableError) return { status: 'unreachable' };
      throw error;
    }
  }
}

function counters({ state, available, epoch, sequence, watermark, outboxLength }: GateItem): GateCounters {
  return { status: 'ready', state, available: available ?? null, epoch, sequence, watermark, outboxLength };
}
