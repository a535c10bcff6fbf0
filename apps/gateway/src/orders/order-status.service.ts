import { Injectable } from '@nestjs/common';
import { itemOfOrderId, ProblemError, type ItemRef, type OrderAnswer } from '@flux/contracts';
import { GateClient, type GateOrder } from '@flux/gate';
import { SaleDirectory } from '../sales/sale-directory';
import { SaleRoutes } from './sale-routes';

/** What a shopper may read of an order: their own, as the gate knows it. */
@Injectable()
export class OrderStatusService {
  constructor(
    private readonly gate: GateClient,
    private readonly routes: SaleRoutes,
    private readonly directory: SaleDirectory,
  ) {}

  /**
   * @throws ProblemError `unknown-order`, also for another shopper's; `sale-closed` once the item has left Redis;
   *   `not-ready` while it waits for its rebuild
   * @throws GateUnavailableError
   */
  async find(orderId: string, shopperId: string): Promise<OrderAnswer> {
    const item = itemOfOrderId(orderId);
    if (item === undefined) throw unknownOrder();
    const reading = await this.gate.readOrder(orderId);
    switch (reading.outcome) {
      case 'order':
        if (!reading.belongsTo(shopperId)) throw unknownOrder();
        return answerOf(reading.order);
      case 'unknownOrder':
        throw unknownOrder();
      case 'notReady':
        throw await this.withoutItem(item);
    }
  }

  /** The gate does not have the item: was it ever there, and will it be again? */
  private async withoutItem({ saleId, productId }: ItemRef): Promise<ProblemError> {
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

function answerOf(order: GateOrder): OrderAnswer {
  const { orderId, status, productId, saleId, quantity, acceptedAtMs, updatedAtMs } = order;
  return {
    orderId,
    status,
    productId,
    saleId,
    quantity,
    acceptedAt: new Date(acceptedAtMs).toISOString(),
    updatedAt: new Date(updatedAtMs).toISOString(),
  };
}

function unknownOrder(): ProblemError {
  return new ProblemError('unknown-order', 'You have no order with this id.');
}

function notReady(): ProblemError {
  return new ProblemError('not-ready', 'The order cannot be read at the moment.');
}
