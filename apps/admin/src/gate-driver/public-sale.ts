import type { PublicSale } from '@flux/contracts';
import type { Sale } from '../sales/sale';

/** At a tenth of its units an item reads as `low`. */
const LOW_SHARE = 0.1;

/** What gateways may show of a sale to everybody. */
export function publicSaleOf({ id, name, state, opensAt, closesAt, items }: Sale): PublicSale {
  return {
    id,
    name,
    state,
    opensAt: opensAt.toISOString(),
    closesAt: closesAt.toISOString(),
    items: items.map(({ productId, name: itemName, priceMinor, currency, perShopperLimit, ledger }) => ({
      productId,
      name: itemName,
      priceMinor,
      currency,
      perShopperLimit,
      lowBelow: Math.max(1, Math.floor(ledger.initial * LOW_SHARE)),
    })),
  };
}
