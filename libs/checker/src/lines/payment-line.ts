import type { LineFindings } from '../audit-report';
import type { Evidence } from '../evidence';
import type { PaymentRow, RefundRow } from '../ledger-reader';

/** The money: every payment, every refund and every paid order against each other. */
export function paymentLine(evidence: Evidence, line: LineFindings): void {
  const { rows, payments, refunds } = evidence;
  const applied = new Map<string, string[]>();
  for (const payment of payments.values()) {
    line.look();
    line.add('payments', 1);
    switch (payment.state) {
      case 'applied':
        applied.set(payment.orderId, [...(applied.get(payment.orderId) ?? []), payment.paymentId]);
        appliedPayment(payment, evidence, line);
        break;
      case 'refund-due':
        refundedPayment(payment, refunds.get(payment.paymentId), line);
        break;
      default:
        // Pending: the sale is not at rest.
        break;
    }
  }
  for (const { orderId, state } of rows.values()) {
    if (state !== 'paid') continue;
    line.look();
    const ids = applied.get(orderId) ?? [];
    if (ids.length === 0) line.offend(`${orderId}: is paid, and no payment counts for it`);
    if (ids.length > 1) line.offend(`${orderId}: ${ids.length} payments count for it: ${ids.join(', ')}`);
  }
  for (const refund of refunds.values()) {
    line.look();
    line.add('refunds', 1);
    const payment = payments.get(refund.paymentId);
    if (!hasCause(refund, payment)) {
      line.offend(`${refund.paymentId}: is to be refunded, and ${payment?.state ?? 'never came'}`);
    }
  }
}

function appliedPayment(payment: PaymentRow, { rows, items }: Evidence, line: LineFindings): void {
  const { paymentId, orderId, amountMinor, currency } = payment;
  const row = rows.get(orderId);
  if (row?.state !== 'paid') {
    line.offend(`${paymentId}: counts for ${orderId}, which is ${row?.state ?? 'not in PostgreSQL'}`);
  }
  const item = row === undefined ? undefined : items.get(row.productId)?.ledger;
  if (row === undefined || item === undefined) return;
  const price = item.priceMinor * row.quantity;
  line.add('revenue', amountMinor);
  if (amountMinor !== price || currency !== item.currency) {
    line.offend(`${paymentId}: ${amountMinor} ${currency} for an order of ${price} ${item.currency}`);
  }
}

function refundedPayment(payment: PaymentRow, refund: RefundRow | undefined, line: LineFindings): void {
  const { paymentId } = payment;
  if (refund === undefined) {
    line.offend(`${paymentId}: came for nothing, and nobody refunds it`);
    return;
  }
  for (const field of ['orderId', 'amountMinor', 'currency'] as const) {
    if (payment[field] !== refund[field]) {
      line.offend(
        `${paymentId}: ${field} is ${payment[field]} in the payment, ${refund[field]} in the refund`,
      );
    }
  }
}

/**
 * Money that has gone back is noted whatever it had been for. A provider that took money which is no order's price has
 * to give it back although no payment is recorded; and one that failed to give it back still has to.
 */
function hasCause(refund: RefundRow, payment: PaymentRow | undefined): boolean {
  if (refund.state === 'done' || refund.wentWrong) return true;
  return payment === undefined ? refund.wasTaken : payment.state === 'refund-due';
}
