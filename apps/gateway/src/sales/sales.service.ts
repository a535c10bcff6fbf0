import { Injectable } from '@nestjs/common';
import { ProblemError, type Availability, type PublicSale, type SaleAnswer } from '@flux/contracts';
import { GateClient } from '@flux/gate';
import { etagOf } from '../etag';
import { PUBLIC_TTL_MS, SaleDirectory } from './sale-directory';
import { ShortCache } from './short-cache';

/** An answer that is the same for everybody. */
export interface PublicAnswer {
  readonly body: string;
  /** RFC 9110, strong: the body's digest. */
  readonly etag: string;
}

type PublicItem = PublicSale['items'][number];

const MAX_SALES = 1_000;

/** What anybody may know of sales, made at most once a second. All methods throw GateUnavailableError. */
@Injectable()
export class SalesService {
  private readonly answers = new ShortCache<PublicAnswer>({ ttlMs: PUBLIC_TTL_MS, maxEntries: MAX_SALES });

  constructor(
    private readonly directory: SaleDirectory,
    private readonly gate: GateClient,
  ) {}

  /** @throws ProblemError `not-ready` while the catalogue is not written */
  list(): Promise<PublicAnswer> {
    // No sale id is a dot.
    return this.answers.get('.', async () => {
      const sales = await this.directory.list();
      if (sales === undefined) throw new ProblemError('not-ready', 'The sales are not known yet.');
      return rendered({ sales: await Promise.all(sales.map((sale) => this.answerOf(sale))) });
    });
  }

  /** @throws ProblemError `unknown-sale` */
  find(saleId: string): Promise<PublicAnswer> {
    return this.answers.get(saleId, async () => {
      const sale = await this.directory.find(saleId);
      if (sale === undefined) throw new ProblemError('unknown-sale', 'No sale has this id.');
      return rendered(await this.answerOf(sale));
    });
  }

  private async answerOf(sale: PublicSale): Promise<SaleAnswer> {
    const { id, name, state, opensAt, closesAt } = sale;
    const items = await Promise.all(
      sale.items.map(async (item) => {
        const { productId, name: itemName, priceMinor, currency, perShopperLimit } = item;
        const availability = await this.availabilityOf(sale, item);
        return { productId, name: itemName, priceMinor, currency, perShopperLimit, availability };
      }),
    );
    return { id, name, state, opensAt, closesAt, items };
  }

  private async availabilityOf({ id, state }: PublicSale, item: PublicItem): Promise<Availability> {
    if (state === 'scheduled') return 'available';
    if (state === 'retired') return 'soldOut';
    const available = (await this.gate.readItem({ saleId: id, productId: item.productId }))?.available;
    // A stock that is missing is not a stock of 0: who comes to buy is told `not-ready`.
    if (available === undefined) return 'available';
    if (available === 0) return 'soldOut';
    return available <= item.lowBelow ? 'low' : 'available';
  }
}

function rendered(answer: unknown): PublicAnswer {
  const body = JSON.stringify(answer);
  return { body, etag: etagOf(body) };
}
