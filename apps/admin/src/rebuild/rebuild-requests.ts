import { type ItemRef, itemName, ProblemError } from '@flux/contracts';
import { ItemEntity, type RebuildEntity, Rebuilds, SaleEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { type Assessment, Rebuilder, type RebuildOptions } from './rebuilder.service';

/** What operators ask for and see of rebuilds. */
@Injectable()
export class RebuildRequests {
  constructor(
    private readonly dataSource: DataSource,
    private readonly rebuilder: Rebuilder,
    private readonly rebuilds: Rebuilds,
  ) {}

  /**
   * Closes the item and has its gate rebuilt, also one that seems sound: the next look of any admin process does it. A
   * repeat joins the rebuild that is running.
   * @param options `acceptLoss`: also of a gate that knows more than the database, which the caller then rebuilds itself
   * @throws ProblemError `unknown-sale`, `unknown-product`, `sale-not-open`, `sale-closed`, `replay-first`;
   *   GateUnavailableError
   */
  async ask(
    { saleId, productId }: ItemRef,
    actor: string,
    options: Pick<RebuildOptions, 'acceptLoss'> = {},
  ): Promise<RebuildEntity> {
    const item = { saleId, productId };
    const { subject, need } = await this.assessed(item, options);
    if (need.need === 'replay') {
      const why = 'The gate knows more than the database, so the database went back in time';
      throw new ProblemError('replay-first', `${why}: ${need.reason}. Run \`npm run replay\` first.`);
    }
    const reason = `asked for by ${actor}`;
    const request = { ...item, kind: 'asked', reason, actor, fromEpoch: subject.epoch } as const;
    return this.rebuilds.ask(request, async (manager) => {
      await recordAudit(manager, {
        actor,
        action: 'gate.rebuild.ask',
        subject: itemName(item),
        before: { epoch: subject.epoch },
        after: { suspended: true, ...options },
      });
    });
  }

  /**
   * The item's rebuilds, newest first.
   * @throws ProblemError `unknown-sale`, `unknown-product`
   */
  async list(item: ItemRef, limit: number): Promise<readonly RebuildEntity[]> {
    await this.stateOf(item);
    return this.rebuilds.list(item, { limit });
  }

  private async assessed(item: ItemRef, options: Pick<RebuildOptions, 'acceptLoss'>): Promise<Assessment> {
    const state = await this.stateOf(item);
    const found = await this.rebuilder.assess(item, options);
    if (found !== undefined) return found;
    if (state === 'retired') throw new ProblemError('sale-closed', 'The sale has left Redis for good.');
    throw new ProblemError(
      'sale-not-open',
      'The gate of this item was never opened: there is nothing to rebuild.',
    );
  }

  private async stateOf({ saleId, productId }: ItemRef): Promise<SaleEntity['state']> {
    const { manager } = this.dataSource;
    const sale = await manager.findOneBy(SaleEntity, { id: saleId });
    if (sale === null) throw new ProblemError('unknown-sale', 'There is no sale with this id.');
    if (!(await manager.existsBy(ItemEntity, { saleId, productId }))) {
      throw new ProblemError('unknown-product', 'The sale has no item with this product.');
    }
    return sale.state;
  }
}
