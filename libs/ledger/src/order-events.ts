import {
  itemName,
  ORDER_STATUS_TYPE,
  type ItemRef,
  type LedgerStatus,
  type OrderStatusEvent,
} from '@flux/contracts';
import type { StoredRun } from './stored-runs';

/** The events of an item's changes, in their order; the same change has the same id again. */
export function eventsOfRuns(item: ItemRef, runs: readonly StoredRun[]): OrderStatusEvent[] {
  const { saleId, productId } = item;
  const name = itemName(item);
  return runs.flatMap(([state, atMs, holdUntilMs, reason, paymentId, orders]) => {
    const status = state as LedgerStatus;
    // Once for all orders of a run: a date takes as long as the rest of its event.
    const occurredAt = new Date(atMs).toISOString();
    const holdUntil = holdUntilMs === null ? undefined : new Date(holdUntilMs).toISOString();
    return orders.split('\n').map((line): OrderStatusEvent => {
      const [key = '', shopperId = '', quantity] = line.split(' ');
      const orderId = `${name}.${key}`;
      // One literal, since spreading costs more than all else here; JSON leaves out what is undefined.
      return {
        type: ORDER_STATUS_TYPE,
        id: `${orderId}.${status}`,
        orderId,
        saleId,
        productId,
        shopperId,
        quantity: Number(quantity),
        status,
        reason: reason ?? undefined,
        holdUntil,
        paymentId: paymentId ?? undefined,
        occurredAt,
      };
    });
  });
}
