import type { EntityManager } from 'typeorm';
import { OrderEntity } from './entities/order.entity';
import type { PaymentEntity } from './entities/payment.entity';
import { RefundEntity } from './entities/refund.entity';

/** Money that came for an order. */
export interface Payment {
  /** Unique over all providers. */
  readonly paymentId: string;
  readonly orderId: string;
  readonly amountMinor: number;
  readonly currency: string;
  /** Who took the money; left out where the shop did. */
  readonly provider?: string;
}

export type PayOutcome =
  | { readonly outcome: 'paid'; readonly order: OrderEntity }
  /** The order does not get the money: it has to go back, or has gone. */
  | { readonly outcome: 'refundDue'; readonly refund: RefundEntity }
  /** Not the order's price or currency: nothing changed. */
  | { readonly outcome: 'amountMismatch' }
  | { readonly outcome: 'unknownOrder' }
  /** Parked: nothing changed. */
  | { readonly outcome: 'notConfirmed' }
  /** The payment id is another order's: nothing changed. */
  | { readonly outcome: 'reused' }
  /** The money had gone back before it was heard of: nothing changed. */
  | { readonly outcome: 'refunded' }
  /** It came late and the gate cannot be asked now: it is completed later. */
  | { readonly outcome: 'pending'; readonly reason: string };

/** The answer that a decided payment has for ever. */
export async function decidedOutcome(
  manager: EntityManager,
  {
    state,
    orderId,
    paymentId,
  }: Pick<PaymentEntity, 'orderId' | 'paymentId'> & {
    readonly state: 'applied' | 'refund-due';
  },
): Promise<PayOutcome> {
  switch (state) {
    case 'applied':
      return { outcome: 'paid', order: await manager.findOneByOrFail(OrderEntity, { orderId }) };
    case 'refund-due':
      return { outcome: 'refundDue', refund: await manager.findOneByOrFail(RefundEntity, { paymentId }) };
  }
}
