import { GateClient, Outboxes } from '@flux/gate';
import { ItemEntity, noteSale } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In, IsNull } from 'typeorm';
import type { Sale, SaleItem } from '../sales/sale';
import { readSale } from '../sales/sale.repository';
import { RoomPublisher } from '../waiting-room/room-publisher';
import { type GateProblem, type GateStep, gateStepFor } from './gate-step';
import { inSlices } from './in-slices';
import { SalePublisher } from './sale-publisher';

export interface ItemProblem {
  readonly productId: string;
  readonly problem: GateProblem;
}

export interface DriveReport {
  /** Redis was not where PostgreSQL says, and is nearer now. */
  readonly changed: boolean;
  readonly problems: readonly ItemProblem[];
}

interface DrivenItem {
  readonly changed: boolean;
  readonly problem?: GateProblem;
}

interface DrivenItems {
  readonly changed: number;
  readonly problems: readonly ItemProblem[];
  /** What the first item that could not be driven threw. */
  readonly failure: { readonly error: unknown } | undefined;
}

const LOGGED_PROBLEMS = 10;

/**
 * Brings Redis to what PostgreSQL says of a sale: its public record, its place in the catalogue, its waiting room, its
 * outboxes and the state of each item's gate. Idempotent, so that whatever a crash left half done is completed by driving again.
 */
@Injectable()
export class GateDriver {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
    private readonly outboxes: Outboxes,
    private readonly publisher: SalePublisher,
    private readonly rooms: RoomPublisher,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /**
   * Drives of one sale come one after the other, each with the state that PostgreSQL has at its start: no slow drive
   * brings back an older state.
   * @throws GateUnavailableError when Redis does not answer; what was done until then stays done
   */
  async drive(saleId: string): Promise<DriveReport> {
    const published = [await this.publisher.publish(saleId), await this.rooms.publish(saleId)].includes(true);
    // A failure is thrown after the transaction, or PostgreSQL would forget which gates were opened.
    const { changed, problems, failure } = await this.alone(saleId, async (manager) =>
      this.driveItems(manager, await readSale(manager, saleId)),
    );
    if (failure !== undefined) throw failure.error;
    if (changed > 0) this.log.info({ saleId, items: changed }, 'gate driven');
    if (problems.length > 0) {
      const first = problems.slice(0, LOGGED_PROBLEMS);
      this.log.warn({ saleId, items: problems.length, first }, 'items are stuck');
    }
    return { changed: published || changed > 0, problems };
  }

  /**
   * Writes what gateways read where Redis has lost it: the catalogue with all public records, and the waiting rooms.
   * @throws GateUnavailableError
   */
  async publishMissing(): Promise<void> {
    await this.publisher.publishIfMissing();
    await this.rooms.publishMissing();
  }

  /** Runs `work` in a transaction while no other process drives or retires the sale. */
  async alone<Result>(saleId: string, work: (manager: EntityManager) => Promise<Result>): Promise<Result> {
    return this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`flux:drive:${saleId}`]);
      return work(manager);
    });
  }

  private async driveItems(manager: EntityManager, sale: Sale): Promise<DrivenItems> {
    const items = sale.state === 'scheduled' || sale.state === 'retired' ? [] : sale.items;
    const opened: string[] = [];
    const driven = await this.driveSlices(sale, items, opened);
    // Last: it locks the items' ledger rows, and nothing at the gate may wait behind that.
    await markOpened(manager, sale.id, opened);
    return driven;
  }

  private async driveSlices(sale: Sale, items: readonly SaleItem[], opened: string[]): Promise<DrivenItems> {
    let changed = 0;
    const problems: ItemProblem[] = [];
    for (const slice of inSlices(items)) {
      const results = await Promise.allSettled(slice.map((item) => this.driveItem(sale, item, opened)));
      for (const [index, result] of results.entries()) {
        if (result.status === 'rejected') return { changed, problems, failure: { error: result.reason } };
        const { value } = result;
        if (value.changed) changed += 1;
        const productId = slice[index]?.productId ?? '';
        if (value.problem !== undefined) problems.push({ productId, problem: value.problem });
      }
    }
    return { changed, problems, failure: undefined };
  }

  /** @param opened gets the product's id where the gate has the item and PostgreSQL did not know */
  private async driveItem(sale: Sale, item: SaleItem, opened: string[]): Promise<DrivenItem> {
    const gate = await this.gate.readItem(item);
    if (gate !== undefined) {
      if (!item.gateOpened) opened.push(item.productId);
      // So that no relay overlooks for long an outbox that Redis has forgotten to list.
      await this.outboxes.add([item]);
    }
    const next = gateStepFor({ wanted: sale.state, item, gate });
    const driven = await this.take(sale, item, next);
    if (next.step === 'open' && driven.changed) opened.push(item.productId);
    return driven;
  }

  private async take(sale: Sale, item: SaleItem, next: GateStep): Promise<DrivenItem> {
    switch (next.step) {
      case 'none':
        return { changed: false };
      case 'stuck':
        return { changed: false, problem: next.problem };
      case 'open':
        return this.open(sale, item);
      case 'pause':
      case 'resume':
      case 'close':
      case 'suspend': {
        const answer = await this.gate[next.step]({ ...item, epoch: item.ledger.epoch });
        if (answer.outcome === 'done') return { changed: true };
        return { changed: false, problem: answer.outcome === 'gone' ? 'missing' : 'diverged' };
      }
    }
  }

  private async open({ opensAt, closesAt, holdMs }: Sale, item: SaleItem): Promise<DrivenItem> {
    const { saleId, productId, perShopperLimit, ledger } = item;
    const answer = await this.gate.open({
      saleId,
      productId,
      perShopperLimit,
      epoch: ledger.epoch,
      // Nothing is held, sold or parked (gate-step), and no stock change is let in before the gate is marked.
      available: ledger.initial,
      opensAtMs: opensAt.getTime(),
      closesAtMs: closesAt.getTime(),
      holdMs,
    });
    switch (answer.outcome) {
      case 'opened':
      case 'alreadyOpened':
        return { changed: true };
      case 'unsafe':
        return { changed: false, problem: 'unsafe' };
      case 'otherEpoch':
        return { changed: false, problem: 'diverged' };
    }
  }
}

/** From now on a missing gate is a loss: it is never written again. */
async function markOpened(
  manager: EntityManager,
  saleId: string,
  productIds: readonly string[],
): Promise<void> {
  if (productIds.length === 0) return;
  await manager.update(
    ItemEntity,
    { saleId, productId: In([...productIds]), gateOpenedAt: IsNull() },
    { gateOpenedAt: () => 'now()' },
  );
  await noteSale(manager, saleId, { causes: ['opened'], written: { item: true }, productIds });
}
