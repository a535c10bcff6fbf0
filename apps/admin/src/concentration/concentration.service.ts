import { type ShareKind, Shares } from '@flux/gate';
import { ConcentrationEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { readSale } from '../sales/sale.repository';
import { type Spread, spreadOf } from './spread';

export type Concentration = Readonly<Record<ShareKind, Spread>>;

/** How a sale's units are spread over networks, addresses and devices: from Redis, and once it is kept, as it was then. */
@Injectable()
export class Concentrations {
  constructor(
    private readonly dataSource: DataSource,
    private readonly shares: Shares,
  ) {}

  /** @throws ProblemError `unknown-sale`, GateUnavailableError */
  async of(saleId: string): Promise<Concentration> {
    await readSale(this.dataSource.manager, saleId);
    const kept = await this.dataSource.manager.findOneBy(ConcentrationEntity, { saleId });
    return kept === null ? this.count(saleId) : (kept.figures as Concentration);
  }

  /** As Redis has it now. @throws GateUnavailableError */
  async count(saleId: string): Promise<Concentration> {
    const spread = async (kind: ShareKind): Promise<Spread> => spreadOf(await this.shares.read(saleId, kind));
    return {
      network: await spread('network'),
      address: await spread('address'),
      device: await spread('device'),
    };
  }

  /** Keeps it for when Redis has it no longer, in the transaction that retires the sale. */
  async keep(manager: EntityManager, saleId: string, figures: Concentration): Promise<void> {
    await manager.upsert(ConcentrationEntity, { saleId, figures }, ['saleId']);
  }

  /** From now on nobody can find out whose the hashes are. @throws GateUnavailableError */
  async forgetCounts(saleId: string): Promise<void> {
    await this.shares.remove(saleId);
  }
}
