import type { SaleState } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, QueryFailedError } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { type SaleAction, judgeTransition } from './sale-life-cycle';
import { databaseNow, lockSale, writeState } from './sale.repository';

export interface SaleMove {
  /** The operator's name, or `system`. */
  readonly actor: string;
  readonly saleId: string;
  readonly action: SaleAction;
}

export type MoveOutcome =
  | { readonly outcome: 'moved'; readonly to: SaleState }
  /** The sale was there already: nothing was written. */
  | { readonly outcome: 'reached' }
  | { readonly outcome: 'wrong'; readonly from: SaleState }
  /** Its end has passed: it cannot open or resume any more. */
  | { readonly outcome: 'over' }
  /** One of its products is in another open sale. */
  | { readonly outcome: 'productOnSale' };

/** The first half of every transition: PostgreSQL, with the audit log in the same transaction. Redis follows. */
@Injectable()
export class SaleStateService {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws ProblemError `unknown-sale` */
  async move(move: SaleMove): Promise<MoveOutcome> {
    try {
      return await this.moveInTransaction(move);
    } catch (error) {
      if (violates(error, 'items_one_open_sale')) return { outcome: 'productOnSale' };
      throw error;
    }
  }

  private async moveInTransaction({ actor, saleId, action }: SaleMove): Promise<MoveOutcome> {
    return this.dataSource.transaction(async (manager) => {
      // One opening at a time: two that share products would otherwise wait for each other's index entries.
      if (action === 'open')
        await manager.query("SELECT pg_advisory_xact_lock(hashtextextended('flux:open', 0))");
      const { state, closesAt } = await lockSale(manager, saleId, 'change');
      const judgement = judgeTransition(action, state);
      if (judgement.outcome === 'reached') return judgement;
      if (judgement.outcome === 'wrong') return { outcome: 'wrong', from: state };
      if (judgement.to === 'open' && closesAt <= (await databaseNow(manager))) return { outcome: 'over' };
      await writeState(manager, saleId, judgement.to);
      await recordAudit(manager, {
        actor,
        action: `sale.${action}`,
        subject: saleId,
        before: { state },
        after: { state: judgement.to },
      });
      return { outcome: 'moved', to: judgement.to };
    });
  }
}

function violates(error: unknown, constraint: string): boolean {
  if (!(error instanceof QueryFailedError)) return false;
  const driverError: unknown = error.driverError;
  return driverError instanceof Error && 'constraint' in driverError && driverError.constraint === constraint;
}
