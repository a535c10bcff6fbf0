import { purchase, said } from '@flux/testing';
import type { PlainLedger, PlainOrder } from '../plain-ledger';
import type { RealSale } from '../real-sale';
import { SaleCommand } from './life-command';

export interface Wish {
  readonly shopperId: string;
  readonly key: string;
  readonly quantity: number;
}

/** Shoppers buy in one turn of the event loop; the same key again is a replay, or a reused key. */
export class Purchase extends SaleCommand {
  constructor(private readonly wishes: readonly Wish[]) {
    super();
  }

  override toString(): string {
    return `buy(${this.wishes.map(({ shopperId, key, quantity }) => `${shopperId}/${key[0] ?? ''} ${quantity}`).join(', ')})`;
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    const requests = this.wishes.map((wish) => purchase(real.item, wish));
    const counts = await real.counts();
    const accepted: PlainOrder[] = [];
    const expected = requests.map(({ orderId, shopperId, quantity }) => {
      const known = model.find(orderId);
      if (known !== undefined) {
        return known.quantity === quantity ? `replayed ${known.sequence}` : 'reused';
      }
      const count = (counts.get(shopperId) ?? 0) + quantity;
      if (count > model.sale.limit) return `shopperLimit ${model.sale.limit}`;
      if (quantity > model.available) return `soldOut ${model.available}`;
      counts.set(shopperId, count);
      accepted.push(model.accept({ orderId, shopperId, quantity }));
      return `accepted ${model.sequence}`;
    });
    if (accepted.length > 0) model.events.push({ kind: 'orders', orders: accepted });
    const { gate } = real.processes.clients;
    const outcomes = await Promise.all(requests.map((request) => gate.reserve(request)));
    expect(outcomes.map(said)).toEqual(expected);
  }
}
