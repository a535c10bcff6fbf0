import { byPaymentId } from '../compare';
import {
  isEnd,
  isJudged,
  statusOf,
  type GateNow,
  type PlainLedger,
  type PlainOrder,
  type PlainPayment,
} from '../plain-ledger';
import type { RealSale } from '../real-sale';
import { OrderCommand, SaleCommand } from './life-command';

/** Of a unit, as the fixtures set it. */
const PRICE_MINOR = 1_999;

/** Money comes for an order, once or again, in time or late, with or without a gate. */
export class Pay extends OrderCommand {
  constructor(
    pick: number,
    private readonly options: {
      /** One of the order's payment ids, or another order's. */
      readonly id: 'first' | 'second' | 'another';
      readonly amount: 'right' | 'low' | 'foreign';
      readonly withGate: boolean;
      /** For an order that has ended, if there is one. */
      readonly isLate: boolean;
    },
  ) {
    super(pick);
  }

  override toString(): string {
    const { id, amount, withGate, isLate } = this.options;
    return `pay(${this.pick}${isLate ? ' late' : ''}, ${id}, ${amount}${withGate ? '' : ', without gate'})`;
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    const order = this.paidOrder(model);
    const { id, amount, withGate } = this.options;
    const { orderId, quantity } = order;
    const paymentId = id === 'another' ? idOf(model.orders[0]?.orderId ?? '', 'first') : idOf(orderId, id);
    const gate = { available: model.available, counts: await real.counts() };
    if (!withGate) await real.servers.killGate();
    const { outcome } = await real.processes.payments.pay({
      paymentId,
      orderId,
      amountMinor: PRICE_MINOR * quantity - (amount === 'low' ? 1 : 0),
      currency: amount === 'foreign' ? 'USD' : 'EUR',
    });
    if (!withGate) await real.restart();
    expect(outcome).toBe(this.expected(model, { order, paymentId, gate: withGate ? gate : undefined }));
    model.available = withGate ? gate.available : model.available;
  }

  private paidOrder(model: PlainLedger): PlainOrder {
    const ended = model.orders.filter((order) => isEnd(statusOf(order)));
    return (this.options.isLate ? ended[this.pick % ended.length] : undefined) ?? this.orderIn(model);
  }

  private expected(
    model: PlainLedger,
    {
      order,
      paymentId,
      gate,
    }: { readonly order: PlainOrder; readonly paymentId: string; readonly gate: GateNow | undefined },
  ): string {
    if (!isJudged(order)) return 'unknownOrder';
    const known = model.payments.find((payment) => payment.paymentId === paymentId);
    if (known !== undefined && known.order !== order) return 'reused';
    if (this.options.amount !== 'right') return 'amountMismatch';
    if (known !== undefined) return known.state === 'pending' ? complete(model, known, gate) : decided(known);
    const payment: PlainPayment = { paymentId, order, state: 'pending' };
    model.payments.push(payment);
    if (statusOf(order) === 'confirmed') {
      payment.state = 'applied';
      model.change(order, 'paid');
      if (gate !== undefined) model.tell(order, gate);
      return 'paid';
    }
    return isEnd(statusOf(order)) ? complete(model, payment, gate) : refuse(payment);
  }
}

/** What was pending is decided. */
export class CompletePayments extends SaleCommand {
  override toString(): string {
    return 'completePayments()';
  }

  protected async act(model: PlainLedger, real: RealSale): Promise<void> {
    const pending = model.payments.filter(({ state }) => state === 'pending').sort(byPaymentId);
    const gate = { available: model.available, counts: await real.counts() };
    expect(await real.processes.payments.completeUnfinished(3)).toBe(pending.length);
    for (const payment of pending) complete(model, payment, gate);
    model.available = gate.available;
  }
}

function idOf(orderId: string, which: 'first' | 'second'): string {
  return `${orderId}:${which}`;
}

/** A late payment takes its units anew, from the gate and then in the ledger, or is to be refunded. */
function complete(model: PlainLedger, payment: PlainPayment, gate: GateNow | undefined): string {
  const { order } = payment;
  const { shopperId, quantity } = order;
  if (gate === undefined) return 'pending';
  hear(model, payment, gate);
  const count = gate.counts.get(shopperId) ?? 0;
  if (count + quantity > model.sale.limit || quantity > gate.available) return refuse(payment);
  gate.available -= quantity;
  gate.counts.set(shopperId, count + quantity);
  const isLate = isEnd(statusOf(order));
  if (isLate && quantity <= model.free && model.live(shopperId) + quantity <= model.sale.limit) {
    payment.state = 'applied';
    model.change(order, 'paid');
    model.tell(order, gate);
    return 'paid';
  }
  gate.available += Math.max(0, Math.min(quantity, model.free));
  gate.counts.set(shopperId, count);
  return refuse(payment);
}

/** The gate must know that the order has ended before it gives its units again. */
function hear(model: PlainLedger, { order }: PlainPayment, gate: GateNow): void {
  const { shopperId, quantity, life, seen, untold } = order;
  const wasCounted = life[seen] === 'accepted' || life[seen] === 'confirmed';
  model.tell(order, gate);
  if (!untold || !wasCounted || !isEnd(statusOf(order))) return;
  gate.counts.set(shopperId, Math.max(0, (gate.counts.get(shopperId) ?? 0) - quantity));
}

function decided({ state }: PlainPayment): string {
  return state === 'applied' ? 'paid' : 'refundDue';
}

function refuse(payment: PlainPayment): string {
  payment.state = 'refund-due';
  return 'refundDue';
}
