import { type ErrorCode, type PaidBody, ProblemError, type ShopCancelBody } from '@flux/contracts';
import { Cancellations, type OrderEntity, type Payment, Payments } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { GateOrders } from './gate-orders';
import { priceOf } from './order-details';
import { notConfirmed } from './order-problems';
import type { ServiceResult } from './service-requests';
import { factsOf, shopOrder } from './shop-order';

/** What the shop's backend does to an order. Both may be repeated. */
@Injectable()
export class OrderActions {
  constructor(
    private readonly dataSource: DataSource,
    private readonly payments: Payments,
    private readonly cancellations: Cancellations,
    private readonly gateOrders: GateOrders,
  ) {}

  /** The money for an order has come; to the shop itself, unless a provider is named. */
  async pay(orderId: string, body: PaidBody & Pick<Payment, 'provider'>): Promise<ServiceResult> {
    const paid = await this.payments.pay({ orderId, ...body });
    switch (paid.outcome) {
      case 'paid':
        return this.changed(paid.order);
      case 'refundDue':
        return decided('refund-due', 'The order does not get this payment; its refund is recorded.');
      case 'refunded':
        return decided('refund-due', 'This payment was refunded before it was heard of; nothing is due.');
      case 'amountMismatch':
        return decided(
          'amount-mismatch',
          "Amount and currency must be those of the order's price; nothing was changed.",
        );
      case 'reused':
        return decided(
          'idempotency-key-reused',
          'This payment id belongs to another order; nothing was changed.',
        );
      case 'notConfirmed':
        return undecided(notConfirmed());
      case 'pending':
        return undecided(
          new ProblemError(
            'not-ready',
            'The payment came late and is stored; whether a unit is left is known once the gate answers. Ask again.',
          ),
        );
      case 'unknownOrder':
        return undecided(await this.gateOrders.withoutRow(orderId));
    }
  }

  /** The shop gives an order up. */
  async cancel(orderId: string, { reason }: ShopCancelBody): Promise<ServiceResult> {
    const cancelled = await this.cancellations.cancel({ orderId, reason });
    switch (cancelled.outcome) {
      case 'cancelled':
        return this.changed(cancelled.order);
      case 'notCancellable':
        return decided('not-cancellable', 'The order is paid, rejected or expired.');
      case 'unknownOrder':
        return undecided(await this.gateOrders.withoutRow(orderId));
    }
  }

  private async changed(order: OrderEntity): Promise<ServiceResult> {
    const price = await priceOf(this.dataSource.manager, order);
    return { outcome: 'order', order: shopOrder(factsOf(order), price) };
  }
}

function decided(code: ErrorCode, detail: string): ServiceResult {
  return { outcome: 'refused', problem: new ProblemError(code, detail), final: true };
}

function undecided(problem: ProblemError): ServiceResult {
  return { outcome: 'refused', problem, final: false };
}
