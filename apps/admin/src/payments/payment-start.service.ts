import { type OrderState, ProblemError } from '@flux/contracts';
import { OrderEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { GateOrders } from '../shop/gate-orders';
import { priceOf, unknownOrder } from '../shop/order-details';
import { orderHead } from '../shop/shop-order';
import { type PayableOrder, PaymentProvider, type StartedPayment } from './payment-provider';

/** A started payment, with who takes it and how much it is. */
export type OrderPayment = StartedPayment &
  Pick<PayableOrder, 'amountMinor' | 'currency'> & { readonly provider: PaymentProvider['name'] };

/** Starts payments at the provider: only for orders that PostgreSQL has confirmed, and for their own amount. */
@Injectable()
export class PaymentStart {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gateOrders: GateOrders,
    private readonly provider: PaymentProvider,
  ) {}

  /** @throws ProblemError `unknown-order`, `not-confirmed`, `not-ready`, and as the provider's `start` */
  async start(orderId: string): Promise<OrderPayment> {
    const { manager } = this.dataSource;
    const order = await manager.findOneBy(OrderEntity, { orderId });
    if (order === null) throw await this.withoutRow(orderId);
    refuseUnlessConfirmed(order.state);
    const { amountMinor, currency } = orderHead(order, await priceOf(manager, order));
    const payable = { orderId, amountMinor, currency };
    const started = await this.provider.start(payable);
    return { ...started, provider: this.provider.name, amountMinor, currency };
  }

  /** The ledger does not know the order: it is on its way there, or there is none. */
  private async withoutRow(orderId: string): Promise<ProblemError> {
    const { outcome } = await this.gateOrders.find(orderId);
    switch (outcome) {
      case 'order':
        return notConfirmedYet();
      case 'notReady':
        return new ProblemError('not-ready', 'The gate of this item waits for its rebuild and cannot say.');
      case 'unknownOrder':
        return unknownOrder();
    }
  }
}

function refuseUnlessConfirmed(state: OrderState): void {
  switch (state) {
    case 'confirmed':
      return;
    case 'parked':
      throw notConfirmedYet();
    case 'paid':
      throw new ProblemError('not-confirmed', 'The order is paid already.');
    case 'rejected':
    case 'cancelled':
    case 'expired':
      throw new ProblemError('not-confirmed', `The order is ${state}; it takes no payment.`);
  }
}

function notConfirmedYet(): ProblemError {
  return new ProblemError('not-confirmed', 'The order is accepted, and the ledger has not confirmed it yet.');
}
