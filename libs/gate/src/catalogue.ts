import { publicSaleSchema, SALE_ID_PATTERN, type PublicSale } from '@flux/contracts';
import { ask } from './ask';
import { InvalidRequestError } from './gate-error';
import { CATALOGUE_KEY, currentKey, saleKey } from './gate-keys';
import type { RedisConnection } from './redis-connection';
import { readStored } from './stored-json';

export type FindOutcome =
  | {
      readonly outcome: 'known';
      /** Newest first. */
      readonly saleIds: readonly string[];
      /** The product's open sale, where one was opened. */
      readonly currentSaleId: string | undefined;
    }
  | { readonly outcome: 'unknownProduct' }
  /** The catalogue is missing: nothing can be said of any product. */
  | { readonly outcome: 'notReady' };

/** The field that says the catalogue is written. No product id is a dot. */
const WRITTEN_FIELD = '.';

/**
 * Products and the public records of sales, written by the admin process from PostgreSQL. All methods throw
 * GateUnavailableError where Redis cannot be asked.
 */
export class Catalogue {
  constructor(private readonly connection: RedisConnection) {}

  async find(productId: string): Promise<FindOutcome> {
    if (!SALE_ID_PATTERN.test(productId)) throw new InvalidRequestError('productId');
    const [[written, saleIds], current] = await Promise.all([
      ask(this.connection, (client) => client.hmget(CATALOGUE_KEY, WRITTEN_FIELD, productId)),
      ask(this.connection, (client) => client.get(currentKey(productId))),
    ]);
    if (typeof written !== 'string') return { outcome: 'notReady' };
    if (typeof saleIds !== 'string') return { outcome: 'unknownProduct' };
    return { outcome: 'known', saleIds: saleIds.split(' '), currentSaleId: current ?? undefined };
  }

  /**
   * A sale's public record.
   * @throws UnexpectedReplyError where the key holds something else
   */
  async sale(saleId: string): Promise<PublicSale | undefined> {
    if (!SALE_ID_PATTERN.test(saleId)) throw new InvalidRequestError('saleId');
    const text = await ask(this.connection, (client) => client.get(saleKey(saleId)));
    return text === null ? undefined : readStored(publicSaleSchema, text, 'the public record of a sale');
  }

  /** Every sale that the catalogue names, newest first per product; undefined while it is not written. */
  async allSales(): Promise<readonly PublicSale[] | undefined> {
    const { [WRITTEN_FIELD]: written, ...products } = await ask(this.connection, (client) =>
      client.hgetall(CATALOGUE_KEY),
    );
    if (written === undefined) return undefined;
    const saleIds = new Set(Object.values(products).flatMap((text) => text.split(' ')));
    const sales = await Promise.all([...saleIds].map((saleId) => this.sale(saleId)));
    return sales.filter((sale) => sale !== undefined);
  }

  async isWritten(): Promise<boolean> {
    return (await ask(this.connection, (client) => client.hexists(CATALOGUE_KEY, WRITTEN_FIELD))) === 1;
  }

  /**
   * Writes every sale's record, then the catalogue in one command, so that it never names a sale without a record.
   * @param sales all sales, newest first; a product that is in none of them stays known
   */
  async write({ sales }: { readonly sales: readonly PublicSale[] }): Promise<void> {
    await Promise.all(
      sales.map((sale) =>
        ask(this.connection, (client) => client.set(saleKey(sale.id), JSON.stringify(sale))),
      ),
    );
    const products = new Map<string, string[]>();
    for (const { id, items } of sales) {
      for (const { productId } of items) products.set(productId, [...(products.get(productId) ?? []), id]);
    }
    const fields = Object.fromEntries([...products].map(([productId, ids]) => [productId, ids.join(' ')]));
    await ask(this.connection, (client) => client.hset(CATALOGUE_KEY, { [WRITTEN_FIELD]: '1', ...fields }));
  }
}
