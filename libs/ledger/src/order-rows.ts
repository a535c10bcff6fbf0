import type { EntityManager } from 'typeorm';
import { OrderEntity } from './entities/order.entity';
import type { ChangeableOrder } from './order-change';

/** Locks an order's row; the caller holds its item's ledger row. */
export async function lockOrder(manager: EntityManager, orderId: string): Promise<OrderEntity | undefined> {
  const lock = { mode: 'pessimistic_write' } as const;
  return (await manager.findOne(OrderEntity, { where: { orderId }, lock })) ?? undefined;
}

export function changeableOf({
  orderId,
  shopperId,
  quantity,
  state,
  booked,
  decidedAt,
}: OrderEntity): ChangeableOrder {
  return { orderId, shopperId, quantity, state, booked, decidedAtMs: decidedAt.getTime() };
}
