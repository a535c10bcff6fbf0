import { ExclusiveWork, StockChangeEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { GateDriver } from '../gate-driver/gate-driver.service';
import type { GateProblem } from '../gate-driver/gate-step';
import { SYSTEM_ACTOR } from '../keys/api-keys';
import { SaleStateService } from '../sales/sale-state.service';
import { overdueSales, unfinishedSales } from '../sales/sale.repository';
import { StockChangeCompletion } from '../stock/stock-change-completion';
import { SaleRetirement } from './sale-retirement.service';

/** Keys of the advisory locks: one process at a time does each kind of work. */
const CLOSING_LOCK = 7_305_011;
const COMPLETING_LOCK = 7_305_012;
const RETIRING_LOCK = 7_305_013;

const STOCK_CHANGES_PER_ROUND = 1_000;

/**
 * What happens to sales without an operator: they close at their end, what a crash or an outage cut short is
 * completed, and finished sales leave Redis. Harmless in any number of processes; one at a time does it.
 */
@Injectable()
export class MaintenanceService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly exclusive: ExclusiveWork,
    private readonly states: SaleStateService,
    private readonly driver: GateDriver,
    private readonly stockChanges: StockChangeCompletion,
    private readonly retirement: SaleRetirement,
  ) {}

  /**
   * Closes the sales that are past their end by PostgreSQL's clock, in PostgreSQL first and for all of them, and
   * writes the catalogue and the waiting rooms where Redis has lost them.
   * @throws whatever a dependency throws that does not answer; the next round goes on from there
   */
  async close(): Promise<void> {
    await this.exclusive.run(CLOSING_LOCK, async (signal) => {
      const overdue = await overdueSales(this.dataSource.manager);
      for (const saleId of overdue) {
        // An operator may have been faster: whatever the answer, nothing is left to do here.
        await this.states.move({ actor: SYSTEM_ACTOR, saleId, action: 'close' });
        signal.throwIfAborted();
      }
      await this.driver.publishMissing();
      for (const saleId of overdue) {
        await this.driver.drive(saleId);
        signal.throwIfAborted();
      }
    });
  }

  /**
   * Completes stock changes and drives every unfinished sale.
   * @returns what keeps items from where PostgreSQL wants them; undefined where another process is at it
   * @throws as `close`
   */
  async complete(): Promise<readonly GateProblem[] | undefined> {
    const problems: GateProblem[] = [];
    const { outcome } = await this.exclusive.run(COMPLETING_LOCK, async (signal) => {
      await this.driver.publishMissing();
      await this.completeStockChanges(signal);
      for (const saleId of await unfinishedSales(this.dataSource.manager)) {
        const report = await this.driver.drive(saleId);
        problems.push(...report.problems.map(({ problem }) => problem));
        signal.throwIfAborted();
      }
    });
    return outcome === 'done' ? problems : undefined;
  }

  /**
   * Takes the finished sales out of Redis. Apart from the rest, because it alone needs Kafka.
   * @throws as `close`
   */
  async retire(): Promise<void> {
    await this.exclusive.run(RETIRING_LOCK, async (signal) => {
      for (const saleId of await this.retirement.candidates()) {
        await this.retirement.retire(saleId);
        signal.throwIfAborted();
      }
    });
  }

  private async completeStockChanges(signal: AbortSignal): Promise<void> {
    const pending = await this.dataSource.manager.find(StockChangeEntity, {
      select: { id: true },
      where: { state: 'pending' },
      order: { createdAt: 'ASC' },
      take: STOCK_CHANGES_PER_ROUND,
    });
    for (const { id } of pending) {
      await this.stockChanges.complete(id, 'later');
      signal.throwIfAborted();
    }
  }
}
