import { Refusals } from '@flux/gate';
import { SaleEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type Concentration, Concentrations } from '../concentration/concentration.service';

/** What gateways counted of a sale. */
interface SaleFigures {
  readonly refusals: Readonly<Record<string, number>>;
  readonly concentration: Concentration;
}

/** Moves what gateways counted of a sale, for its reports, from Redis to PostgreSQL when the sale leaves Redis. */
@Injectable()
export class SaleFiguresKeeper {
  constructor(
    private readonly refusals: Refusals,
    private readonly concentrations: Concentrations,
  ) {}

  /** @throws GateUnavailableError, as does `remove` */
  async read(saleId: string): Promise<SaleFigures> {
    return {
      refusals: await this.refusals.read(saleId),
      concentration: await this.concentrations.count(saleId),
    };
  }

  async keep(
    manager: EntityManager,
    saleId: string,
    { refusals, concentration }: SaleFigures,
  ): Promise<void> {
    await manager.update(SaleEntity, { id: saleId }, { refusals: { ...refusals } });
    await this.concentrations.keep(manager, saleId, concentration);
  }

  async remove(saleId: string): Promise<void> {
    await this.refusals.remove(saleId);
    await this.concentrations.forgetCounts(saleId);
  }
}
