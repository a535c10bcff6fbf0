import { Injectable } from '@nestjs/common';
import { ProblemError, type ItemRef } from '@flux/contracts';
import { SaleDirectory } from '../sales/sale-directory';
import { SaleRoutes } from './sale-routes';

/** Why an order cannot be shown. */
@Injectable()
export class AbsentOrder {
  constructor(
    private readonly routes: SaleRoutes,
    private readonly directory: SaleDirectory,
  ) {}

  /**
   * The gate does not have the order's item: was it ever there, and will it be again?
   * @returns `sale-closed` once the item has left Redis, `not-ready` while it waits for its rebuild, else
   *   `unknown-order`
   * @throws GateUnavailableError
   */
  async withoutItem({ saleId, productId }: ItemRef): Promise<ProblemError> {
    const route = await this.routes.find(productId, saleId);
    switch (route.outcome) {
      case 'unknownProduct':
      case 'noSale':
        return unknownOrder();
      case 'notReady':
        return notReady();
      case 'sale': {
        const { phase } = await this.directory.phaseOf(saleId);
        if (phase === 'scheduled') return unknownOrder();
        return phase === 'retired'
          ? new ProblemError('sale-closed', 'The sale is over, and its orders have been archived.')
          : notReady();
      }
    }
  }
}

/** The same for an order that is not there and for one of another shopper. */
export function unknownOrder(): ProblemError {
  return new ProblemError('unknown-order', 'You have no order with this id.');
}

function notReady(): ProblemError {
  return new ProblemError('not-ready', 'The order cannot be read at the moment.');
}
