import type { ItemRef } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, IsNull } from 'typeorm';
import { LedgerEntity } from './entities/ledger.entity';

/** Items that wait for a rebuild of their gate. */
@Injectable()
export class Suspensions {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Notes why the item's gate cannot be trusted in this epoch. The first reason stays; a newer epoch is left alone.
   * @returns whether it was noted now
   */
  async suspend(item: ItemRef & { readonly epoch: number }, reason: string): Promise<boolean> {
    const { saleId, productId, epoch } = item;
    const { affected } = await this.dataSource
      .getRepository(LedgerEntity)
      .update({ saleId, productId, epoch, suspendedReason: IsNull() }, { suspendedReason: reason });
    return affected === 1;
  }
}
