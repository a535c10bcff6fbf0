import { GateClient } from '@flux/gate';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { GateDriver } from '../gate-driver/gate-driver.service';
import { SYSTEM_ACTOR } from '../keys/api-keys';
import type { Sale } from '../sales/sale';
import { databaseNow, lockSale, readSale, writeState } from '../sales/sale.repository';
import { RoomPublisher } from '../waiting-room/room-publisher';
import { ConsumerProgress } from './consumer-progress';
import { SaleFiguresKeeper } from './sale-figures-keeper';

/** Replays and reads are answered from Redis for at least this long after a sale's end. */
const KEPT_AFTER_END_MS = 24 * 3_600_000;

/** Takes finished sales out of Redis: closed, everything settled and told, no order held or parked, no payment open. */
@Injectable()
export class SaleRetirement {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
    private readonly driver: GateDriver,
    private readonly rooms: RoomPublisher,
    private readonly progress: ConsumerProgress,
    private readonly figures: SaleFiguresKeeper,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** The sales whose ledger is done; whether Redis and Kafka are too is asked in `retire`. */
  async candidates(): Promise<readonly string[]> {
    return candidatesOf(this.dataSource.manager);
  }

  /**
   * Keeps what gateways counted and dates the end of the sale's keys, then writes `retired`: a crash in between dates
   * them once more.
   * @returns false where the sale is not finished yet
   * @throws GateUnavailableError, and what Kafka throws while it cannot be asked
   */
  async retire(saleId: string): Promise<boolean> {
    if (!(await this.isDrained(await readSale(this.dataSource.manager, saleId)))) return false;
    // Before the sale is locked, since those of a large one take a while. What is refused meanwhile is not in them.
    const figures = await this.figures.read(saleId);
    const retired = await this.driver.alone(saleId, async (manager) => {
      const { state } = await lockSale(manager, saleId, 'change');
      // Once more, now that no stock change can begin.
      if (state !== 'closed' || !(await candidatesOf(manager)).includes(saleId)) return false;
      if (!(await this.dateKeys(manager, await readSale(manager, saleId)))) return false;
      // For the sale's reports: in Redis they end now.
      await this.figures.keep(manager, saleId, figures);
      await writeState(manager, saleId, 'retired');
      const change = { before: { state }, after: { state: 'retired' } };
      await recordAudit(manager, { actor: SYSTEM_ACTOR, action: 'sale.retire', subject: saleId, ...change });
      return true;
    });
    if (!retired) return false;
    this.progress.forget(saleId);
    this.log.info({ saleId }, 'sale retired');
    await this.driver.drive(saleId);
    await this.figures.remove(saleId);
    return true;
  }

  /** Nothing of the sale is under way: a closed gate with an empty outbox stays so, and Kafka is read up to its end. */
  private async isDrained({ id, items }: Sale): Promise<boolean> {
    const opened = items.filter(({ gateOpened }) => gateOpened);
    for (const item of opened) {
      const gate = await this.gate.readItem(item);
      if (gate?.state !== 'closed' || gate.outboxLength > 0) return false;
    }
    return opened.length === 0 || this.progress.hasCaughtUp(id);
  }

  private async dateKeys(manager: EntityManager, { id, closesAt, items }: Sale): Promise<boolean> {
    const now = await databaseNow(manager);
    const endsAtMs = Math.max(now.getTime(), closesAt.getTime()) + KEPT_AFTER_END_MS;
    for (const { saleId, productId } of items.filter(({ gateOpened }) => gateOpened)) {
      const answer = await this.gate.retire({ saleId, productId, endsAtMs });
      if (answer.outcome !== 'retired') return false;
    }
    await this.rooms.retire(id, endsAtMs);
    return true;
  }
}

async function candidatesOf(manager: EntityManager): Promise<readonly string[]> {
  const rows: { readonly id: string }[] = await manager.query(
    `SELECT id FROM sales WHERE state = 'closed'
        AND NOT EXISTS (SELECT FROM ledger WHERE sale_id = sales.id
                           AND (held > 0 OR parked > 0 OR suspended_reason IS NOT NULL))
        AND NOT EXISTS (SELECT FROM stock_changes WHERE sale_id = sales.id AND state = 'pending')
        AND NOT EXISTS (SELECT FROM orders WHERE sale_id = sales.id AND gate_epoch IS NOT NULL)
        AND NOT EXISTS (SELECT FROM payments JOIN orders USING (order_id)
                         WHERE sale_id = sales.id AND (payments.state = 'pending' OR give_back_units IS NOT NULL))
      ORDER BY closes_at`,
  );
  return rows.map(({ id }) => id);
}
