import type { AsyncCommand } from 'fast-check';
import { compare } from '../compare';
import type { PlainLedger, PlainOrder } from '../plain-ledger';
import type { RealSale } from '../real-sale';

/** One thing that happens to a sale, in the model and in the servers; then both are compared. */
export abstract class LifeCommand implements AsyncCommand<PlainLedger, RealSale> {
  abstract check(model: Readonly<PlainLedger>): boolean;

  async run(model: PlainLedger, real: RealSale): Promise<void> {
    await this.act(model, real);
    await compare(model, real);
  }

  abstract toString(): string;

  protected abstract act(model: PlainLedger, real: RealSale): Promise<void>;
}

/** A command that needs nothing to be there. */
export abstract class SaleCommand extends LifeCommand {
  override check(): boolean {
    return true;
  }
}

/** A command about one of the orders, chosen by a number. */
export abstract class OrderCommand extends LifeCommand {
  constructor(protected readonly pick: number) {
    super();
  }

  override check({ orders }: Readonly<PlainLedger>): boolean {
    return orders.length > 0;
  }

  protected orderIn({ orders }: PlainLedger): PlainOrder {
    const order = orders[this.pick % orders.length];
    if (order === undefined) throw new Error('there is no order');
    return order;
  }
}
