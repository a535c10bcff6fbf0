import { type OrderState, type ShopOrder, type ShopOrderDetail, statusOfState } from '@flux/contracts';
import type { OrderEntity } from '@flux/ledger';

/** What an order of the ledger is answered from. Times are RFC 3339 in UTC, with milliseconds. */
export interface OrderFacts {
  readonly orderId: string;
  readonly saleId: string;
  readonly productId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly state: OrderState;
  readonly reason: string | null;
  readonly acceptedAt: string;
  readonly decidedAt: string;
  readonly holdUntil: string | null;
}

/** What the sale asks for one unit. */
export interface UnitPrice {
  readonly priceMinor: number;
  readonly currency: string;
}

/** The order as the shop's backend sees it. */
export function shopOrder(order: OrderFacts, price: UnitPrice): ShopOrder {
  return {
    ...orderHead(order, price),
    status: statusOfState(order.state),
    ...(order.reason === null ? {} : { reason: order.reason }),
    acceptedAt: order.acceptedAt,
    updatedAt: order.decidedAt,
    ...(order.holdUntil === null ? {} : { holdUntil: order.holdUntil }),
  };
}

type OrderHead = Pick<
  ShopOrder,
  'orderId' | 'saleId' | 'productId' | 'shopperId' | 'quantity' | 'amountMinor' | 'currency'
>;

/** Who ordered what, and what it costs. */
export function orderHead(
  order: Pick<OrderFacts, 'orderId' | 'saleId' | 'productId' | 'shopperId' | 'quantity'>,
  { priceMinor, currency }: UnitPrice,
): OrderHead {
  const { orderId, saleId, productId, shopperId, quantity } = order;
  return { orderId, saleId, productId, shopperId, quantity, amountMinor: priceMinor * quantity, currency };
}

/** All that an order went through, each change once: to the shop a parked order is still accepted. */
export function historyOf(
  order: Pick<OrderFacts, 'state' | 'reason' | 'acceptedAt' | 'decidedAt'> & Pick<OrderEntity, 'history'>,
): ShopOrderDetail['history'] {
  const { state, reason, acceptedAt, decidedAt, history } = order;
  const present = { status: statusOfState(state), at: decidedAt, ...(reason === null ? {} : { reason }) };
  const entries = [{ status: 'accepted' as const, at: acceptedAt }, ...(history ?? []), present];
  return entries.filter(({ status }, index) => status !== entries[index - 1]?.status);
}

/** The facts of a row that was read as an entity. */
export function factsOf(order: OrderEntity): OrderFacts {
  const { orderId, saleId, productId, shopperId, quantity, state, reason } = order;
  return {
    ...{ orderId, saleId, productId, shopperId, quantity, state, reason },
    acceptedAt: order.acceptedAt.toISOString(),
    decidedAt: order.decidedAt.toISOString(),
    holdUntil: order.holdUntil?.toISOString() ?? null,
  };
}
