import { randomBytes } from 'node:crypto';
import {
  fingerprintOf,
  LEDGER_STATUSES,
  orderIdOf,
  type CancelRequested,
  type OrdersAccepted,
  type OrderStatus,
  type OrderStatusEvent,
} from '@flux/contracts';
import type { HistoryAnswer } from '@flux/checker';
import { EPOCH, RUNNING, type OrderPlan } from './audit-orders';

export interface PlannedOrder extends OrderPlan {
  readonly orderId: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly sequence: number;
  readonly acceptedAtMs: number;
}

export interface PlannedSaleOptions {
  readonly productId?: string;
  readonly startedAtMs?: number;
  /** Nine orders, by sequence; RUNNING unless told otherwise. */
  readonly plans?: readonly OrderPlan[];
}

/** How far apart the changes of an order are. */
const CHANGE_MS = 20;

/** A small sale with an order in every state, and all that was said and answered in it; nothing is written yet. */
export class PlannedSale {
  readonly saleId = `s${randomBytes(6).toString('hex')}`;
  readonly productId: string;
  readonly startedAtMs: number;
  readonly orders: readonly PlannedOrder[];
  /** What the clients were answered. */
  readonly history: HistoryAnswer[];

  constructor({ productId, startedAtMs = Date.now(), plans = RUNNING }: PlannedSaleOptions = {}) {
    this.productId = productId ?? `shoe-${this.saleId}`;
    this.startedAtMs = startedAtMs;
    this.orders = plans.map((order, index) => {
      const { shopperId, quantity } = order;
      const key = `key-${String(index).padStart(16, '0')}`;
      return {
        ...order,
        orderId: this.idOf({ shopperId, key }),
        key,
        fingerprint: fingerprintOf({ ...this.item, quantity }),
        sequence: index + 1,
        acceptedAtMs: this.startedAtMs + index,
      };
    });
    this.history = this.orders.flatMap((order) => [
      this.answer(order, { status: undefined, outcome: 'unknown', body: '' }),
      this.answer(order),
      this.answer(order, { replayed: true }),
    ]);
    this.history.push({ ...this.refusal(this.order(1)), idempotencyKey: 'key-of-one-who-came-late' });
  }

  get item() {
    return { saleId: this.saleId, productId: this.productId };
  }

  /** By its sequence. */
  order(sequence: number): PlannedOrder {
    const order = this.orders[sequence - 1];
    if (order === undefined) throw new Error(`the sale has no order ${sequence}`);
    return order;
  }

  idOf({ shopperId, key }: { readonly shopperId: string; readonly key: string }): string {
    return orderIdOf({ ...this.item, shopperId, idempotencyKey: key });
  }

  answer(order: PlannedOrder, changes: Partial<HistoryAnswer> = {}): HistoryAnswer {
    const { orderId, shopperId, key, quantity, acceptedAtMs } = order;
    const acceptedAt = new Date(acceptedAtMs).toISOString();
    return {
      at: acceptedAt,
      method: 'POST',
      productId: this.productId,
      shopperId,
      idempotencyKey: key,
      quantity,
      status: 202,
      replayed: false,
      location: `/v1/orders/${orderId}`,
      body: JSON.stringify({ orderId, status: 'accepted', ...this.item, quantity, acceptedAt }),
      ...changes,
    };
  }

  refusal(order: PlannedOrder): HistoryAnswer {
    return this.answer(order, { status: 409, location: undefined, body: '{"code":"sold-out"}' });
  }

  /** The history's lines, with the line that says it is complete unless it is left out. */
  historyLines(answers: readonly HistoryAnswer[] = this.history, { end = true } = {}): string[] {
    const last = end
      ? [JSON.stringify({ complete: true, saleId: this.saleId, attempts: answers.length })]
      : [];
    return [...answers.map((answer) => JSON.stringify(answer)), ...last];
  }

  event(orders: readonly PlannedOrder[]): OrdersAccepted {
    const [first] = orders;
    return {
      type: 'orders-accepted.v1',
      ...this.item,
      epoch: EPOCH,
      firstSequence: first?.sequence ?? 0,
      acceptedAtMs: first?.acceptedAtMs ?? 0,
      orders: orders.map(({ orderId, shopperId, quantity, fingerprint, passId }) => {
        return { orderId, shopperId, quantity, fingerprint, passId };
      }),
    };
  }

  /** The shopper's wish to cancel the order. */
  wish({ orderId, shopperId, cancelSequence = 0 }: PlannedOrder): CancelRequested {
    return {
      type: 'cancel-requested.v1',
      ...this.item,
      epoch: EPOCH,
      firstSequence: cancelSequence,
      acceptedAtMs: this.startedAtMs + CHANGE_MS,
      orderId,
      shopperId,
    };
  }

  /** When the order got its state: each change comes some time after the one before. */
  decidedAtMs({ past = [] }: PlannedOrder): number {
    return this.startedAtMs + CHANGE_MS * (past.length + 1);
  }

  /** What the order's row says of the states before the present one. */
  pastOf({ past = [] }: PlannedOrder): { readonly status: OrderStatus; readonly at: string }[] {
    return past.map((status, index) => {
      return { status, at: new Date(this.startedAtMs + CHANGE_MS * (index + 1)).toISOString() };
    });
  }

  /** What was published of the order, in its order. */
  statusEvents(order: PlannedOrder): OrderStatusEvent[] {
    const { orderId, shopperId, quantity, state } = order;
    const present = { status: state, at: new Date(this.decidedAtMs(order)).toISOString() };
    return [...this.pastOf(order), present].flatMap(({ status, at }) => {
      const published = LEDGER_STATUSES.find((known) => known === status);
      if (published === undefined) return [];
      return [
        {
          type: 'order-status.v1',
          id: `${orderId}.${published}`,
          orderId,
          ...this.item,
          shopperId,
          quantity,
          status: published,
          occurredAt: at,
        },
      ];
    });
  }
}
