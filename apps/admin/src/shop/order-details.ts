import { type ItemRef, ProblemError, type Refund, type ShopOrderDetail } from '@flux/contracts';
import type { GateOrder } from '@flux/gate';
import { ItemEntity, OrderEntity, PaymentEntity, RefundEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { GateOrders } from './gate-orders';
import { gateNotReady, unknownOrder } from './order-problems';
import { type UnitPrice, factsOf, historyOf, orderHead, shopOrder } from './shop-order';

/** One order with all that is known of it. */
@Injectable()
export class OrderDetails {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gateOrders: GateOrders,
  ) {}

  /** @throws ProblemError `unknown-order`, `not-ready`; GateUnavailableError where only the gate can say */
  async of(orderId: string): Promise<ShopOrderDetail> {
    const known = await this.fromLedger(orderId);
    if (known !== undefined) return known;
    const found = await this.gateOrders.find(orderId);
    switch (found.outcome) {
      case 'unknownOrder':
        throw unknownOrder();
      case 'notReady':
        throw gateNotReady();
      case 'order':
        return (await this.fromGate(found.order)) ?? (await this.judgedMeanwhile(orderId));
    }
  }

  /** All of one moment. */
  private async fromLedger(orderId: string): Promise<ShopOrderDetail | undefined> {
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      const order = await manager.findOneBy(OrderEntity, { orderId });
      if (order === null) return undefined;
      const oldestFirst = { createdAt: 'ASC', paymentId: 'ASC' } as const;
      const payments = await manager.find(PaymentEntity, { where: { orderId }, order: oldestFirst });
      const refunds = await manager.find(RefundEntity, { where: { orderId }, order: oldestFirst });
      const facts = factsOf(order);
      return {
        ...shopOrder(facts, await priceOf(manager, order)),
        history: historyOf({ ...facts, history: order.history }),
        payments: payments.map(paymentAnswer),
        refunds: refunds.map(refundAnswer),
      };
    });
  }

  private async fromGate(order: GateOrder): Promise<ShopOrderDetail | undefined> {
    const shopperId = await this.gateOrders.shopperOf(order);
    if (shopperId === undefined) return undefined;
    const acceptedAt = new Date(order.acceptedAtMs).toISOString();
    return {
      ...orderHead({ ...order, shopperId }, await priceOf(this.dataSource.manager, order)),
      status: 'accepted',
      acceptedAt,
      updatedAt: acceptedAt,
      history: [{ status: 'accepted', at: acceptedAt }],
      payments: [],
      refunds: [],
    };
  }

  /** The order left the outbox between two looks: so it has a row. */
  private async judgedMeanwhile(orderId: string): Promise<ShopOrderDetail> {
    const judged = await this.fromLedger(orderId);
    if (judged !== undefined) return judged;
    throw new ProblemError('not-ready', 'The order is on its way to the ledger; ask again.');
  }
}

/** What a unit of the item costs. An order has an item, so its absence is breakage. */
export async function priceOf(manager: EntityManager, { saleId, productId }: ItemRef): Promise<UnitPrice> {
  return manager.findOneByOrFail(ItemEntity, { saleId, productId });
}

function paymentAnswer(row: PaymentEntity): ShopOrderDetail['payments'][number] {
  const { paymentId, amountMinor, currency, state, createdAt } = row;
  return { paymentId, amountMinor, currency, state, createdAt: createdAt.toISOString() };
}

/** A refund as the shop's backend sees it. */
export function refundAnswer(row: RefundEntity): Refund {
  const { paymentId, orderId, amountMinor, currency, reason, state, createdAt, doneAt } = row;
  return {
    ...{ paymentId, orderId, amountMinor, currency, reason, state },
    createdAt: createdAt.toISOString(),
    ...(doneAt === null ? {} : { doneAt: doneAt.toISOString() }),
  };
}
