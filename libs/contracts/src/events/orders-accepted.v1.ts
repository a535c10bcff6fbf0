import { z } from 'zod';
import {
  itemName,
  orderIdSchema,
  PASS_ID_PATTERN,
  productIdSchema,
  SALE_ID_PATTERN,
  saleIdSchema,
  SHOPPER_ID_PATTERN,
  shopperIdSchema,
} from '../ids';

/** Kafka topic, before `FLUX_TOPIC_PREFIX`. The message key is the product id. */
export const ORDERS_ACCEPTED_TOPIC = 'orders-accepted.v1';
export const ORDERS_ACCEPTED_TYPE = 'orders-accepted.v1';

/** Consumer group of the orders processes, before `FLUX_TOPIC_PREFIX`. */
export const ORDERS_CONSUMER_GROUP = 'orders';

/** At most this many orders are accepted by one script call, and so stand in one message. */
export const MAX_ORDERS_PER_MESSAGE = 64;

const MAX_QUANTITY = 10;
const FINGERPRINT_PATTERN = /^[A-Za-z0-9_-]{11}$/;
/** The last part of an order id. */
const ORDER_KEY_PATTERN = /^[A-Za-z0-9_-]{22}$/;

const sequenceSchema = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

export const acceptedOrderSchema = z.strictObject({
  orderId: orderIdSchema,
  shopperId: shopperIdSchema,
  quantity: z.number().int().min(1).max(MAX_QUANTITY),
  fingerprint: z.string().regex(FINGERPRINT_PATTERN),
  /** Id of the waiting room's pass that the order redeemed; left out where it redeemed none. */
  passId: z.string().regex(PASS_ID_PATTERN).optional(),
});
export type AcceptedOrder = z.infer<typeof acceptedOrderSchema>;

/** An order as a line of words: so it stands in outbox and headers. The last word is left out where there is no pass. */
export function lineOfOrder({ orderId, shopperId, quantity, fingerprint, passId }: AcceptedOrder): string {
  const line = `${orderId} ${shopperId} ${quantity} ${fingerprint}`;
  return passId === undefined ? line : `${line} ${passId}`;
}

/** What such a line says, not checked yet. */
export function orderOfLine(line: string): object {
  const [orderId, shopperId, quantity, fingerprint, passId] = line.split(' ');
  const order = { orderId, shopperId, quantity: Number(quantity), fingerprint };
  // No field of its own where there is none: that would not be plainly an order.
  return passId === undefined ? order : { ...order, passId };
}

/**
 * One outbox entry: the orders that one script call accepted for one item. The orders have the sequences
 * `firstSequence`, `firstSequence + 1`, ... in the order of the list.
 */
export const ordersAcceptedSchema = z
  .strictObject({
    type: z.literal(ORDERS_ACCEPTED_TYPE),
    saleId: saleIdSchema,
    productId: productIdSchema,
    epoch: z.number().int().min(1),
    firstSequence: sequenceSchema,
    acceptedAtMs: z.number().int().min(0),
    orders: z.array(acceptedOrderSchema).min(1).max(MAX_ORDERS_PER_MESSAGE),
  })
  .refine(
    ({ saleId, productId, orders }) =>
      orders.every(({ orderId }) => orderId.startsWith(`${saleId}.${productId}.`)),
    'an order belongs to another item',
  );
export type OrdersAccepted = z.infer<typeof ordersAcceptedSchema>;

/**
 * Whether the schema certainly accepts a value, checked by hand: the schema takes 3.5 us an order for the same. What
 * this refuses the schema may still accept.
 */
export function isPlainlyOrdersAccepted(value: unknown): value is OrdersAccepted {
  if (!hasFields(value, EVENT_FIELDS)) return false;
  const { type, saleId, productId, epoch, firstSequence, acceptedAtMs, orders } = value;
  if (type !== ORDERS_ACCEPTED_TYPE || !matches(saleId, SALE_ID_PATTERN)) return false;
  if (!matches(productId, SALE_ID_PATTERN) || !isWhole(epoch, 1) || !isWhole(firstSequence, 1)) return false;
  if (!isWhole(acceptedAtMs, 0) || !Array.isArray(orders)) return false;
  if (orders.length < 1 || orders.length > MAX_ORDERS_PER_MESSAGE) return false;
  const idBegin = `${itemName({ saleId, productId })}.`;
  return orders.every((order) => isPlainlyOrder(order, idBegin));
}

const EVENT_FIELDS = 7;
/** Without a pass. */
const ORDER_FIELDS = 4;

function isPlainlyOrder(value: unknown, idBegin: string): boolean {
  const isWithoutPass = hasFields(value, ORDER_FIELDS);
  if (!isWithoutPass && !hasFields(value, ORDER_FIELDS + 1)) return false;
  const { orderId, shopperId, quantity, fingerprint, passId } = value;
  return (
    typeof orderId === 'string' &&
    orderId.startsWith(idBegin) &&
    ORDER_KEY_PATTERN.test(orderId.slice(idBegin.length)) &&
    matches(shopperId, SHOPPER_ID_PATTERN) &&
    isWhole(quantity, 1) &&
    quantity <= MAX_QUANTITY &&
    matches(fingerprint, FINGERPRINT_PATTERN) &&
    (isWithoutPass || matches(passId, PASS_ID_PATTERN))
  );
}

function hasFields(value: unknown, count: number): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.keys(value).length === count;
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
