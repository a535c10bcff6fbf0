import type { Catalogue, FindOutcome } from '@flux/gate';

/** Where a purchase goes. */
export type Route =
  | { readonly outcome: 'sale'; readonly saleId: string }
  /** The product has no open sale; these are all its sales, newest first. */
  | { readonly outcome: 'noSale'; readonly saleIds: readonly string[] }
  | { readonly outcome: 'unknownProduct' }
  | { readonly outcome: 'notReady' };

interface KnownRoute {
  readonly found: FindOutcome;
  readonly readAtMs: number;
  /** When the gate, or the read, last said that this is the product's current sale. */
  confirmedAtMs: number;
}

/** A current sale is kept for so long without a read: where it is another one, the gate says `moved`. */
const CURRENT_MS = 1_000;

/** Anything else may be over the moment a sale opens. */
const OTHER_MS = 100;

/** A route that the gate confirmed so long ago at most is good for a refusal without the gate. */
const CONFIRMED_MS = 250;

/** Products remembered; the one that was read first is forgotten first. */
const MAX_PRODUCTS = 10_000;

/** Which sale a product is in: read from the catalogue, remembered for a moment, and corrected by the gate. */
export class SaleRoutes {
  private readonly known = new Map<string, KnownRoute>();
  private readonly reads = new Map<string, Promise<KnownRoute>>();

  constructor(
    private readonly catalogue: Pick<Catalogue, 'find'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * The sale that a request is for: the one it names, else the product's current one.
   * @throws GateUnavailableError where the catalogue has to be read and Redis does not answer
   */
  async find(productId: string, namedSaleId: string | undefined): Promise<Route> {
    return (
      this.remembered(productId, namedSaleId) ?? routeOf((await this.read(productId)).found, namedSaleId)
    );
  }

  /** The same where it was read, or told by the gate, a moment ago. Asks nobody. */
  remembered(productId: string, namedSaleId: string | undefined): Route | undefined {
    const known = this.known.get(productId);
    if (known === undefined) return undefined;
    const route = routeOf(known.found, namedSaleId);
    return this.isFresh(known, route) ? route : undefined;
  }

  /** The current sale, if known so recently that a local refusal may rest on it. Asks nobody. */
  confirmed(productId: string): string | undefined {
    const remembered = this.known.get(productId);
    if (remembered?.found.outcome !== 'known') return undefined;
    return this.now() - remembered.confirmedAtMs < CONFIRMED_MS ? remembered.found.currentSaleId : undefined;
  }

  /** The gate was asked at that time and took the sale for the product's current one. */
  confirm(productId: string, saleId: string, askedAtMs: number): void {
    const remembered = this.known.get(productId);
    if (remembered?.found.outcome !== 'known' || remembered.found.currentSaleId !== saleId) return;
    remembered.confirmedAtMs = Math.max(remembered.confirmedAtMs, askedAtMs);
  }

  /** The gate says that the product's current sale is this one. */
  moved(productId: string, saleId: string): void {
    const remembered = this.known.get(productId);
    const saleIds = remembered?.found.outcome === 'known' ? remembered.found.saleIds : [];
    this.remember(productId, {
      found: {
        outcome: 'known',
        saleIds: saleIds.includes(saleId) ? saleIds : [saleId, ...saleIds],
        currentSaleId: saleId,
      },
      readAtMs: this.now(),
      confirmedAtMs: this.now(),
    });
  }

  private isFresh({ readAtMs }: KnownRoute, route: Route): boolean {
    return this.now() - readAtMs < (route.outcome === 'sale' ? CURRENT_MS : OTHER_MS);
  }

  /** Requests that need the same read share it. */
  private read(productId: string): Promise<KnownRoute> {
    const running = this.reads.get(productId);
    if (running !== undefined) return running;
    const readAtMs = this.now();
    const read = this.catalogue
      .find(productId)
      .then((found) => this.remember(productId, { found, readAtMs, confirmedAtMs: readAtMs }))
      .finally(() => this.reads.delete(productId));
    this.reads.set(productId, read);
    return read;
  }

  private remember(productId: string, route: KnownRoute): KnownRoute {
    this.known.delete(productId);
    this.known.set(productId, route);
    if (this.known.size > MAX_PRODUCTS) {
      const [oldest] = this.known.keys();
      if (oldest !== undefined) this.known.delete(oldest);
    }
    return route;
  }
}

function routeOf(found: FindOutcome, namedSaleId: string | undefined): Route {
  if (found.outcome !== 'known') return found;
  const { saleIds, currentSaleId } = found;
  if (namedSaleId !== undefined) {
    return saleIds.includes(namedSaleId)
      ? { outcome: 'sale', saleId: namedSaleId }
      : { outcome: 'unknownProduct' };
  }
  return currentSaleId === undefined
    ? { outcome: 'noSale', saleIds }
    : { outcome: 'sale', saleId: currentSaleId };
}
