import { itemName, itemOfOrderId, type ItemRef } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { QueryDeepPartialEntity } from 'typeorm/query-builder/QueryPartialEntity';
import { toSafeInteger } from './entities/columns';
import type { PaymentState } from './entities/payment.entity';
import { RefundEntity, type RefundState } from './entities/refund.entity';
import { LatePayments } from './late-payments';
import { noteChange, paymentNote, refusalNote } from './ledger-log';
import { lockLedger } from './ledger-rows';
import { applyChanges, changeOrder } from './order-change';
import { changeableOf, lockOrder } from './order-rows';
import { decidedOutcome, type PayOutcome, type Payment } from './payment-outcome';
import {
  noteRefund,
  oweRefund,
  readRefunds,
  refundOf,
  REFUND_REASONS,
  type Money,
  type RefundsPage,
} from './refunds';
import { TellGate } from './tell-gate';

/** Money that has gone back. */
export interface RefundNote extends Payment {
  readonly reason: string;
}

/** What comes of money for orders, and what has to go back. */
@Injectable()
export class Payments {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tellGate: TellGate,
    private readonly late: LatePayments,
  ) {}

  /**
   * Applies a payment to its order, or says why not. Idempotent by payment id, in any number of processes: once it is
   * decided the answer stays. An order that waits for it is paid even if its hold has run out, as long as nobody has
   * ended it. For an order that had ended the units are taken anew; where that fails, or the order has been paid by
   * another payment or rejected, there is exactly one refund row.
   * @throws where PostgreSQL fails; the same call again goes on
   */
  async pay(payment: Payment): Promise<PayOutcome> {
    for (;;) {
      const step = await this.step(payment);
      if (step.outcome === 'late') return this.late.complete(payment.paymentId);
      if (step.outcome !== 'again') return step;
    }
  }

  /**
   * Goes on with payments that a crash or an outage cut: late ones that are not decided, and units that the gate gave
   * for a payment that was then refused. `limit` at a time, until none is left that can go on now.
   * @returns how many were completed
   * @throws where PostgreSQL fails
   */
  async completeUnfinished(limit: number): Promise<number> {
    return this.late.completeUnfinished(limit);
  }

  /**
   * Notes money that has gone back, whenever it is heard of: before the payment itself too, which is then answered
   * `refunded`. An order that was paid stays so.
   */
  async noteRefund({ reason, ...payment }: RefundNote): Promise<void> {
    await this.changeRefund(payment, async (manager) => {
      await noteRefund(manager, moneyOf(payment), reason);
      return true;
    });
  }

  /** Refunds that this provider still has to make, oldest first. */
  async refundsDue(provider: string, limit: number): Promise<readonly RefundEntity[]> {
    return this.dataSource.manager.find(RefundEntity, {
      where: { state: 'due', provider },
      order: { createdAt: 'ASC', paymentId: 'ASC' },
      take: limit,
    });
  }

  /** Notes that a refund that was due has been made. */
  async refundDone(paymentId: string): Promise<void> {
    await this.moveRefund(paymentId, 'due', { state: 'done', doneAt: () => 'now()' });
  }

  /** Notes that a refund that counted as made did not come about: it is due again, for a person to see. */
  async refundFailed(paymentId: string): Promise<void> {
    await this.moveRefund(paymentId, 'done', { state: 'due', doneAt: null });
  }

  async refunds(page: RefundsPage): Promise<readonly RefundEntity[]> {
    return readRefunds(this.dataSource.manager, page);
  }

  private async moveRefund(
    paymentId: string,
    from: RefundState,
    to: QueryDeepPartialEntity<RefundEntity>,
  ): Promise<void> {
    const refund = await refundOf(this.dataSource.manager, paymentId);
    if (refund === undefined) return;
    await this.changeRefund(refund, async (manager) => {
      const { affected } = await manager.update(RefundEntity, { paymentId, state: from }, to);
      return affected === 1;
    });
  }

  /** @param change answers whether it changed something */
  private async changeRefund(
    { paymentId, orderId }: Pick<Money, 'paymentId' | 'orderId'>,
    change: (manager: EntityManager) => Promise<boolean>,
  ): Promise<void> {
    const item = itemOfOrderId(orderId);
    await this.dataSource.transaction(async (manager) => {
      // First, as everywhere; money for an order of no item has no ledger row, and nothing to be noted in.
      if (item !== undefined) await lockLedger(manager, [item]);
      if (!(await change(manager)) || item === undefined) return;
      await noteChange(manager, item, { causes: ['refundChanged'], written: { refunds: [paymentId] } });
    });
  }

  private async step(payment: Payment): Promise<PayOutcome | Next> {
    const item = itemOfOrderId(payment.orderId);
    if (item === undefined) return { outcome: 'unknownOrder' };
    const known = await this.known(payment);
    if (known !== undefined) return known;
    const received = await this.dataSource.transaction((manager) => receive(manager, item, payment));
    if (received.outcome === 'paid') await this.tellGate.tellSoon(item, [payment.orderId]);
    return received;
  }

  /** What is known of the payment or its order without a lock; undefined where it is a new one for a known order. */
  private async known({
    paymentId,
    orderId,
    amountMinor,
    currency,
  }: Payment): Promise<PayOutcome | Next | undefined> {
    const { manager } = this.dataSource;
    const [row]: KnownRow[] = await manager.query(
      `SELECT price_minor * quantity AS amount_minor, items.currency, payment.order_id AS payment_order_id,
              payment.state, refund.payment_id IS NOT NULL AS is_refunded
       FROM orders JOIN items USING (sale_id, product_id)
            LEFT JOIN payments AS payment ON payment.payment_id = $2
            LEFT JOIN refunds AS refund ON refund.payment_id = $2
       WHERE orders.order_id = $1`,
      [orderId, paymentId],
    );
    if (row === undefined) return { outcome: 'unknownOrder' };
    if (row.payment_order_id !== null && row.payment_order_id !== orderId) return { outcome: 'reused' };
    if (amountMinor !== toSafeInteger(row.amount_minor) || currency !== row.currency) {
      return { outcome: 'amountMismatch' };
    }
    if (row.state === null) return row.is_refunded ? { outcome: 'refunded' } : undefined;
    if (row.state === 'pending') return { outcome: 'late' };
    return decidedOutcome(manager, { orderId, paymentId, state: row.state });
  }
}

interface KnownRow {
  /** int8 as text. */
  readonly amount_minor: string;
  readonly currency: string;
  readonly payment_order_id: string | null;
  readonly state: PaymentState | null;
  readonly is_refunded: boolean;
}

type Next =
  /** Another process has recorded a payment of this id meanwhile: look again. */
  | { readonly outcome: 'again' }
  /** Recorded as pending: its units have to be taken anew. */
  | { readonly outcome: 'late' };

/** Records a new payment and, where its order waits for it, applies it. */
async function receive(manager: EntityManager, item: ItemRef, payment: Payment): Promise<PayOutcome | Next> {
  const { paymentId, orderId } = payment;
  const { rows, nowMs } = await lockLedger(manager, [item]);
  const ledger = rows.get(itemName(item));
  const order = await lockOrder(manager, orderId);
  if (ledger === undefined || order === undefined) return { outcome: 'unknownOrder' };
  const money = moneyOf(payment);
  switch (order.state) {
    case 'parked':
      return { outcome: 'notConfirmed' };
    case 'confirmed': {
      const change = changeOrder(changeableOf(order), 'pay', { ledger, nowMs, paymentId });
      if (change === undefined) throw new Error('the life-cycle refuses to pay a confirmed order');
      if (!(await record(manager, money, 'applied'))) return { outcome: 'again' };
      await applyChanges(manager, item, [change], paymentNote(paymentId));
      return decidedOutcome(manager, { ...payment, state: 'applied' });
    }
    case 'cancelled':
    case 'expired':
      if (!(await record(manager, money, 'pending'))) return { outcome: 'again' };
      await noteChange(manager, item, paymentNote(paymentId));
      return { outcome: 'late' };
    case 'paid':
    case 'rejected': {
      if (!(await record(manager, money, 'refund-due'))) return { outcome: 'again' };
      const reason = order.state === 'paid' ? REFUND_REASONS.paidBefore : REFUND_REASONS.rejected;
      const refund = await oweRefund(manager, money, reason);
      await noteChange(manager, item, refusalNote(paymentId));
      return { outcome: 'refundDue', refund };
    }
  }
}

/** @returns false, and nothing is written, where there is a payment of this id */
async function record(manager: EntityManager, money: Money, state: PaymentState): Promise<boolean> {
  const { paymentId, orderId, amountMinor, currency, provider } = money;
  const rows: unknown[] = await manager.query(
    `INSERT INTO payments (payment_id, order_id, amount_minor, currency, provider, state, decided_at)
     VALUES ($1, $2, $3, $4, $5, $6, CASE $6 WHEN 'pending' THEN NULL ELSE now() END)
     ON CONFLICT (payment_id) DO NOTHING RETURNING payment_id`,
    [paymentId, orderId, amountMinor, currency, provider, state],
  );
  return rows.length > 0;
}

function moneyOf({
  provider = null,
  ...money
}: Omit<Payment, 'provider'> & { readonly provider?: string | null }): Money {
  return { ...money, provider };
}
