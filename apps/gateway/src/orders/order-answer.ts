import type { OrderAnswer } from '@flux/contracts';
import type { GateOrder } from '@flux/gate';

/** An order as its shopper reads it, wherever it is read. */
export function orderAnswer(order: GateOrder): OrderAnswer {
  const { orderId, status, productId, saleId, quantity, acceptedAtMs, updatedAtMs, holdUntilMs } = order;
  return {
    orderId,
    status,
    productId,
    saleId,
    quantity,
    acceptedAt: new Date(acceptedAtMs).toISOString(),
    updatedAt: new Date(updatedAtMs).toISOString(),
    ...(holdUntilMs === undefined ? {} : { holdUntil: new Date(holdUntilMs).toISOString() }),
  };
}
