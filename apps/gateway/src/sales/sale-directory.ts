import { Injectable } from '@nestjs/common';
import type { PublicSale } from '@flux/contracts';
import { Catalogue } from '@flux/gate';
import { ShortCache } from './short-cache';

/** How long a public record is good for: what the answers' `max-age` says. */
export const PUBLIC_TTL_MS = 1_000;

const MAX_SALES = 1_000;

/** Where a sale is in its life, as far as the gate is concerned. */
export interface SalePhase {
  /** `running`: the gate has, or should have, its items. `unknown`: there is no public record. */
  readonly phase: 'scheduled' | 'running' | 'retired' | 'unknown';
  /** A hint for Retry-After, by this process's clock. */
  readonly opensInMs: number;
}

/** The sales' public records, read at most once a second each. All methods throw GateUnavailableError. */
@Injectable()
export class SaleDirectory {
  private readonly sales = new ShortCache<PublicSale | undefined>({
    ttlMs: PUBLIC_TTL_MS,
    maxEntries: MAX_SALES,
  });

  constructor(private readonly catalogue: Catalogue) {}

  find(saleId: string): Promise<PublicSale | undefined> {
    return this.sales.get(saleId, () => this.catalogue.sale(saleId));
  }

  /** Every sale that has not left Redis; undefined while the catalogue is not written. */
  async list(): Promise<readonly PublicSale[] | undefined> {
    const sales = await this.catalogue.allSales();
    return sales?.filter(({ state }) => state !== 'retired');
  }

  async phaseOf(saleId: string): Promise<SalePhase> {
    const sale = await this.find(saleId);
    if (sale === undefined) return { phase: 'unknown', opensInMs: 0 };
    const opensInMs = Math.max(0, Date.parse(sale.opensAt) - Date.now());
    switch (sale.state) {
      case 'scheduled':
        return { phase: 'scheduled', opensInMs };
      case 'open':
      case 'paused':
      case 'closed':
        return { phase: 'running', opensInMs };
      case 'retired':
        return { phase: 'retired', opensInMs };
    }
  }
}
