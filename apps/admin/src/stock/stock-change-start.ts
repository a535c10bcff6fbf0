import { type ItemRef, MAX_STOCK, ProblemError, type StockChange } from '@flux/contracts';
import { ItemEntity, LedgerEntity, noteChange, type SaleEntity, StockChangeEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { lockSale } from '../sales/sale.repository';

export interface NewStockChange extends ItemRef, StockChange {
  readonly id: string;
  readonly actor: string;
}

export type StartOutcome =
  /** Written now; the gate's step is still to come. */
  | { readonly outcome: 'started' }
  /** This id was used for the same change before, however far that came. */
  | { readonly outcome: 'repeated' }
  /** The gate was never opened: the ledger alone has changed, or has refused. */
  | { readonly outcome: 'decided' }
  /** This id was used for another change. */
  | { readonly outcome: 'reused' }
  /** The sale has ended for good. */
  | { readonly outcome: 'closed' }
  /** The gate is being opened, or waits for its rebuild. */
  | { readonly outcome: 'notReady' }
  /** The item would have more units than an item may. */
  | { readonly outcome: 'tooMany' };

/** The first step of a stock change: PostgreSQL. Units that are added are the ledger's from here on. */
@Injectable()
export class StockChangeStart {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws ProblemError `unknown-sale`, `unknown-product` */
  async start(change: NewStockChange): Promise<StartOutcome> {
    const { id, saleId, productId } = change;
    return this.dataSource.transaction(async (manager) => {
      const sale = await lockSale(manager, saleId, 'keep');
      const item = await manager.findOneBy(ItemEntity, { saleId, productId });
      if (item === null) throw new ProblemError('unknown-product', 'The sale has no item with this product.');
      const ledger = await lockLedger(manager, change);
      // Under the ledger's lock: of two requests with one id the second one finds the first.
      const earlier = await manager.findOneBy(StockChangeEntity, { id });
      if (earlier !== null) return { outcome: isSame(earlier, change) ? 'repeated' : 'reused' };
      if (ledger.initial + change.delta > MAX_STOCK) return { outcome: 'tooMany' };
      const stage = stageOf(sale, item, ledger);
      switch (stage) {
        case 'ledger':
          return decideInLedger(manager, ledger, change);
        case 'gate':
          return startForGate(manager, ledger, change);
        case 'closed':
        case 'notReady':
          return { outcome: stage };
      }
    });
  }
}

/** Who has the units: the ledger alone while the sale is scheduled, later the gate too. */
function stageOf(
  { state }: SaleEntity,
  { gateOpenedAt }: ItemEntity,
  { suspendedReason }: LedgerEntity,
): 'ledger' | 'gate' | 'closed' | 'notReady' {
  switch (state) {
    case 'scheduled':
      return 'ledger';
    case 'open':
    case 'paused':
      return gateOpenedAt === null || suspendedReason !== null ? 'notReady' : 'gate';
    case 'closed':
      if (gateOpenedAt === null) return 'closed';
      return suspendedReason !== null ? 'notReady' : 'gate';
    case 'retired':
      return 'closed';
  }
}

async function decideInLedger(
  manager: EntityManager,
  ledger: LedgerEntity,
  change: NewStockChange,
): Promise<StartOutcome> {
  const { id, saleId, productId, delta, reason, actor } = change;
  const applied = await changeInitial(manager, ledger, change);
  await manager.insert(StockChangeEntity, {
    ...{ id, saleId, productId, delta, reason, actor },
    epoch: ledger.epoch,
    state: applied ? 'applied' : 'refused',
    decidedAt: () => 'now()',
  });
  await noteStockChange(manager, change);
  return { outcome: 'decided' };
}

/** Units that are withdrawn stay in the ledger until the gate has given them up: it may never have more than the ledger. */
async function startForGate(
  manager: EntityManager,
  ledger: LedgerEntity,
  change: NewStockChange,
): Promise<StartOutcome> {
  const { id, saleId, productId, delta, reason, actor } = change;
  const adds = delta > 0;
  if (adds) await changeInitial(manager, ledger, change);
  const epoch = adds ? ledger.epoch : null;
  await manager.insert(StockChangeEntity, { id, saleId, productId, delta, reason, actor, epoch });
  await noteStockChange(manager, change);
  return { outcome: 'started' };
}

/** Notes the change's row as the transaction has written it. */
export async function noteStockChange(
  manager: EntityManager,
  { id, saleId, productId }: Pick<NewStockChange, 'id' | 'saleId' | 'productId'>,
): Promise<void> {
  const note = { causes: ['stockChanged'], written: { stockChanges: [id] } } as const;
  await noteChange(manager, { saleId, productId }, note);
}

/** The item's ledger row, which nobody changes before this transaction ends. */
export async function lockLedger(
  manager: EntityManager,
  { saleId, productId }: ItemRef,
): Promise<LedgerEntity> {
  const ledger = await manager.findOne(LedgerEntity, {
    where: { saleId, productId },
    lock: { mode: 'pessimistic_write' },
  });
  if (ledger === null) throw new Error(`${saleId}.${productId} has no row in the ledger`);
  return ledger;
}

/**
 * Adds the change to the locked ledger row and to the audit log. Answers false, and has written nothing, where units
 * would go that are held, sold or parked.
 */
export async function changeInitial(
  manager: EntityManager,
  { initial, held, sold, parked }: LedgerEntity,
  { id, saleId, productId, delta, reason, actor }: NewStockChange,
): Promise<boolean> {
  if (initial + delta < held + sold + parked) return false;
  await manager.update(LedgerEntity, { saleId, productId }, { initial: initial + delta });
  await recordAudit(manager, {
    actor,
    action: 'stock.change',
    subject: `${saleId}.${productId}`,
    before: { initial },
    after: { initial: initial + delta, delta, reason, change: id },
  });
  return true;
}

function isSame(earlier: StockChangeEntity, { delta, reason }: NewStockChange): boolean {
  return earlier.delta === delta && earlier.reason === reason;
}
