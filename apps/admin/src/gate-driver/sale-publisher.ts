import { isDeepStrictEqual } from 'node:util';
import type { PublicSale } from '@flux/contracts';
import { Catalogue, UnexpectedReplyError } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { allSales, readSale } from '../sales/sale.repository';
import { publicSaleOf } from './public-sale';

/** Keeps what gateways read of sales, the public records and the catalogue, as PostgreSQL has it. */
@Injectable()
export class SalePublisher {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalogue: Catalogue,
  ) {}

  /**
   * @returns whether something had to be written
   * @throws GateUnavailableError, ProblemError `unknown-sale`
   */
  async publish(saleId: string): Promise<boolean> {
    const wanted = publicSaleOf(await readSale(this.dataSource.manager, saleId));
    if (isDeepStrictEqual(await this.published(saleId), wanted) && (await this.isListed(wanted)))
      return false;
    await this.publishAll();
    return true;
  }

  /** Writes everything where the catalogue is missing: Redis lost its data. */
  async publishIfMissing(): Promise<boolean> {
    if (await this.catalogue.isWritten()) return false;
    await this.publishAll();
    return true;
  }

  /** One process at a time, each with what PostgreSQL has then: no slow one brings back an older state. */
  private async publishAll(): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.query("SELECT pg_advisory_xact_lock(hashtextextended('flux:publish', 0))");
      await this.catalogue.write({ sales: (await allSales(manager)).map(publicSaleOf) });
    });
  }

  private async published(saleId: string): Promise<PublicSale | undefined> {
    try {
      return await this.catalogue.sale(saleId);
    } catch (error) {
      if (error instanceof UnexpectedReplyError) return undefined;
      throw error;
    }
  }

  private async isListed({ id, items: [item] }: PublicSale): Promise<boolean> {
    if (item === undefined) return true;
    const found = await this.catalogue.find(item.productId);
    return found.outcome === 'known' && found.saleIds.includes(id);
  }
}
