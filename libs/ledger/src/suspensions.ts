import type { ItemRef } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, IsNull, type EntityManager } from 'typeorm';
import { LedgerEntity } from './entities/ledger.entity';
import { noteChange } from './ledger-log';

/** Items that wait for a rebuild of their gate. */
@Injectable()
export class Suspensions {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Notes why the item's gate cannot be trusted in this epoch. The first reason stays; a newer epoch is left alone.
   * @returns whether it was noted now
   */
  async suspend(item: ItemRef & { readonly epoch: number }, reason: string): Promise<boolean> {
    return this.dataSource.transaction((manager) => suspendIn(manager, item, reason));
  }
}

/** The same in a transaction that is under way. */
export async function suspendIn(
  manager: EntityManager,
  item: ItemRef & { readonly epoch: number },
  reason: string,
): Promise<boolean> {
  const { saleId, productId, epoch } = item;
  const { affected } = await manager.update(
    LedgerEntity,
    { saleId, productId, epoch, suspendedReason: IsNull() },
    { suspendedReason: reason },
  );
  if (affected !== 1) return false;
  await noteChange(manager, item, { causes: ['suspended'] });
  return true;
}
