import type { EntityManager } from 'typeorm';
import { RefundEntity, type RefundState } from './entities/refund.entity';

/** Why the shop has to give money back. A refund that is only noted has the provider's reason. */
export const REFUND_REASONS = {
  paidBefore: 'the order was paid by another payment',
  rejected: 'the order was rejected',
  noUnits: 'the order had ended and its units were gone',
  shopperLimit: 'the order had ended and the shopper had reached the limit',
  wentBack: 'the money had gone back before',
} as const;

/** Money for an order, as a payment or refund row has it. */
export interface Money {
  readonly paymentId: string;
  readonly orderId: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly provider: string | null;
}

/** One row for a payment, whoever asks and however often: the first stays. */
export async function oweRefund(manager: EntityManager, money: Money, reason: string): Promise<RefundEntity> {
  const { paymentId, orderId, amountMinor, currency, provider } = money;
  await manager.query(
    `INSERT INTO refunds (payment_id, order_id, amount_minor, currency, provider, reason)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (payment_id) DO NOTHING`,
    [paymentId, orderId, amountMinor, currency, provider, reason],
  );
  return manager.findOneByOrFail(RefundEntity, { paymentId });
}

/** Notes that the money has gone back, whether that was known to be due or not. */
export async function noteRefund(manager: EntityManager, money: Money, reason: string): Promise<void> {
  const { paymentId, orderId, amountMinor, currency, provider } = money;
  await manager.query(
    `INSERT INTO refunds (payment_id, order_id, amount_minor, currency, provider, reason, state, done_at)
     VALUES ($1, $2, $3, $4, $5, $6, 'done', now())
     ON CONFLICT (payment_id) DO UPDATE SET state = 'done', done_at = coalesce(refunds.done_at, now())`,
    [paymentId, orderId, amountMinor, currency, provider, reason],
  );
}

export async function refundOf(manager: EntityManager, paymentId: string): Promise<RefundEntity | undefined> {
  return (await manager.findOneBy(RefundEntity, { paymentId })) ?? undefined;
}

/** A part of the list of refunds, by payment id. */
export interface RefundsPage {
  readonly limit: number;
  /** The last payment id of the page before. */
  readonly after?: string;
  readonly orderId?: string;
  readonly state?: RefundState;
}

export async function readRefunds(
  manager: EntityManager,
  { limit, after, orderId, state }: RefundsPage,
): Promise<readonly RefundEntity[]> {
  const query = manager.createQueryBuilder(RefundEntity, 'refund').orderBy('refund.paymentId').take(limit);
  if (after !== undefined) query.andWhere('refund.paymentId > :after', { after });
  if (orderId !== undefined) query.andWhere('refund.orderId = :orderId', { orderId });
  if (state !== undefined) query.andWhere('refund.state = :state', { state });
  return query.getMany();
}
