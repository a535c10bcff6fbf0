import type { Halt, PublicSale } from '@flux/contracts';
import type { GateClient } from '@flux/gate';

/** What is left of a sale, over all its items. */
export interface StockStanding {
  /** Units that can be bought now. */
  readonly available: number;
  /** Nothing is available, held or under way, in no item. */
  readonly isExhausted: boolean;
  /** Why nobody could buy now, whatever there is. */
  readonly halted: Halt | undefined;
}

/** Where nothing was read yet: nobody is called for units that may not be there. */
export const NO_STOCK: StockStanding = { available: 0, isExhausted: false, halted: undefined };

/** @throws GateUnavailableError */
export async function readStock(
  gate: Pick<GateClient, 'readItem'>,
  { id, state, items }: PublicSale,
): Promise<StockStanding> {
  if (state !== 'open') return { ...NO_STOCK, halted: 'closed' };
  const found = await Promise.all(items.map(({ productId }) => gate.readItem({ saleId: id, productId })));
  const selling = found.filter((item) => item?.state === 'open' && item.available !== undefined);
  return {
    available: selling.reduce((sum, item) => sum + (item?.available ?? 0), 0),
    isExhausted: found.length > 0 && found.every((item) => item?.isExhausted === true),
    halted: selling.length > 0 ? undefined : haltOf(found),
  };
}

/** No item sells: the operator has stopped them, or they wait for a rebuild. */
function haltOf(items: readonly (Awaited<ReturnType<GateClient['readItem']>> | undefined)[]): Halt {
  const isStopped = items.some((item) => item?.state === 'paused' || item?.state === 'closed');
  return isStopped ? 'closed' : 'recovering';
}
