export interface PlannedItem {
  readonly productId: string;
  readonly stock: number;
  readonly perShopperLimit: number;
}

export interface PlannedSale {
  readonly saleId: string;
  readonly holdMs: number;
  readonly items: readonly PlannedItem[];
}

/** A hold that ends within the run: the race of payment and expiry is run in this sale. */
const BRIEF_HOLD_MS = 3_000;

/** What is sold in every run. */
export const SALES: readonly PlannedSale[] = [
  {
    saleId: 'steady',
    holdMs: 600_000,
    items: [
      { productId: 'plenty', stock: 20_000, perShopperLimit: 10 },
      // Sold out early, and again each time a unit comes back.
      { productId: 'scarce', stock: 60, perShopperLimit: 2 },
    ],
  },
  { saleId: 'brief', holdMs: BRIEF_HOLD_MS, items: [{ productId: 'flash', stock: 400, perShopperLimit: 3 }] },
];
