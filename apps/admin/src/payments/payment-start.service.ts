import { type OrderState, ProblemError } from '@flux/contracts';
import { OrderEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { GateOrders } from '../shop/gate-orders';
import { priceOf } from '../shop/order-details';
import { notConfirmed } from '../shop/order-problems';
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
    if (order === null) throw await this.gateOrders.withoutRow(orderId);
    refuseUnlessConfirmed(order.state);
    const { amountMinor, currency } = orderHead(order, await priceOf(manager, order));
    const payable = { orderId, amountMinor, currency };
    const started = await this.provider.start(payable);
    return { ...started, provider: this.provider.name, amountMinor, currency };
  }
}

function refuseUnlessConfirmed(state: OrderState): void {
  switch (state) {
    case 'confirmed':
      return;
    case 'parked':
      throw notConfirmed();
    case 'paid':
      throw new ProblemError('not-confirmed', 'The order is paid already.');
    case 'rejected':
    case 'cancelled':
    case 'expired':
      throw new ProblemError('not-confirmed', `The order is ${state}; it takes no payment.`);
  }
}
