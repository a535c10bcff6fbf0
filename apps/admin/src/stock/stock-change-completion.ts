import { type AdjustOutcome, GateClient, GateUnavailableError } from '@flux/gate';
import { LedgerEntity, noteChange, StockChangeEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { changeInitial, lockLedger, noteStockChange } from './stock-change-start';

export type CompletionOutcome =
  | { readonly outcome: 'applied' | 'refused'; readonly change: StockChangeEntity }
  /** Added in the ledger; the gate follows. */
  | { readonly outcome: 'pending'; readonly change: StockChangeEntity }
  /** The withdrawal may have happened at the gate; it is completed later. */
  | { readonly outcome: 'unknown' }
  /** The withdrawal has not happened. Forgotten where this call was its first attempt, else tried again later. */
  | { readonly outcome: 'unavailable' | 'notReady' };

type GateAnswer = AdjustOutcome | { readonly outcome: 'unavailable' | 'unknown' };

/**
 * The second step of a stock change, and all that is left of it after a crash. May run any number of times and in
 * any number of processes: the change's row is locked meanwhile, and the gate knows the change by its id.
 */
@Injectable()
export class StockChangeCompletion {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
  ) {}

  /**
   * @param attempt `first` by the request that wrote the change: only it may forget a withdrawal that certainly has
   *   not happened, because its caller hears so
   */
  async complete(id: string, attempt: 'first' | 'later'): Promise<CompletionOutcome> {
    return this.dataSource.transaction(async (manager) => {
      const lock = { mode: 'pessimistic_write' } as const;
      const change = await manager.findOne(StockChangeEntity, { where: { id }, lock });
      if (change === null) return { outcome: 'unavailable' };
      if (change.state !== 'pending') return { outcome: change.state, change };
      return change.delta > 0 ? this.add(manager, change) : this.withdraw(manager, change, attempt);
    });
  }

  /** The ledger has the units since the epoch in the row: the gate gets them in that epoch only. */
  private async add(manager: EntityManager, change: StockChangeEntity): Promise<CompletionOutcome> {
    if (change.epoch === null) throw new Error(`stock change ${change.id} has no epoch`);
    const answer = await this.adjust(change, change.epoch);
    switch (answer.outcome) {
      case 'applied':
      case 'done':
        return decide(manager, change, { state: 'applied', epoch: change.epoch });
      case 'notReady':
      case 'unavailable':
      case 'unknown':
        return { outcome: 'pending', change };
      case 'insufficient':
        throw new Error(`the gate refused to add the units of stock change ${change.id}`);
    }
  }

  private async withdraw(
    manager: EntityManager,
    change: StockChangeEntity,
    attempt: 'first' | 'later',
  ): Promise<CompletionOutcome> {
    const { saleId, productId } = change;
    const { epoch } = await manager.findOneByOrFail(LedgerEntity, { saleId, productId });
    const answer = await this.adjust(change, epoch);
    switch (answer.outcome) {
      case 'applied':
      case 'done':
        return this.withdrawFromLedger(manager, { change, epoch, attempt });
      case 'insufficient':
        return decide(manager, change, { state: 'refused', epoch });
      case 'unknown':
        // The mark that an attempt may have had an effect: the change is not forgotten any more.
        await lockLedger(manager, change);
        await manager.update(StockChangeEntity, { id: change.id }, { epoch });
        await noteStockChange(manager, change);
        return { outcome: 'unknown' };
      case 'notReady':
      case 'unavailable':
        if (change.epoch !== null) return { outcome: 'unknown' };
        if (attempt === 'first') await forget(manager, change);
        return { outcome: answer.outcome };
    }
  }

  private async withdrawFromLedger(
    manager: EntityManager,
    withdrawal: {
      readonly change: StockChangeEntity;
      readonly epoch: number;
      readonly attempt: 'first' | 'later';
    },
  ): Promise<CompletionOutcome> {
    const { change, epoch, attempt } = withdrawal;
    const ledger = await lockLedger(manager, change);
    // The gate was rebuilt meanwhile, from a ledger that still had the units: they are taken from the new one.
    if (ledger.epoch !== epoch) return this.withdraw(manager, change, attempt);
    // Refused only where the gate had units that the ledger does not have: then it is right that it has fewer now.
    const state = (await changeInitial(manager, ledger, change)) ? 'applied' : 'refused';
    return decide(manager, change, { state, epoch });
  }

  private async adjust(
    { id, saleId, productId, delta }: StockChangeEntity,
    epoch: number,
  ): Promise<GateAnswer> {
    try {
      return await this.gate.adjust({ saleId, productId, epoch, changeId: id, delta });
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      return { outcome: error.effect === 'none' ? 'unavailable' : 'unknown' };
    }
  }
}

async function forget(manager: EntityManager, change: StockChangeEntity): Promise<void> {
  const { id } = change;
  await lockLedger(manager, change);
  await manager.delete(StockChangeEntity, { id });
  await noteChange(manager, change, { causes: ['stockChanged'], removedStockChanges: [id] });
}

async function decide(
  manager: EntityManager,
  change: StockChangeEntity,
  { state, epoch }: { readonly state: 'applied' | 'refused'; readonly epoch: number },
): Promise<CompletionOutcome> {
  await lockLedger(manager, change);
  await manager.update(StockChangeEntity, { id: change.id }, { state, epoch, decidedAt: () => 'now()' });
  await noteStockChange(manager, change);
  return { outcome: state, change };
}
