import { z } from 'zod';
import { orderIdSchema, productIdSchema, saleIdSchema, shopperIdSchema } from '../ids';

/** Kafka topic, before `FLUX_TOPIC_PREFIX`. The message key is the product id. */
export const ORDERS_ACCEPTED_TOPIC = 'orders-accepted.v1';
export const ORDERS_ACCEPTED_TYPE = 'orders-accepted.v1';

/** Consumer group of the orders processes, before `FLUX_TOPIC_PREFIX`. */
export const ORDERS_CONSUMER_GROUP = 'orders';

/** At most this many orders are accepted by one script call, and so stand in one message. */
export const MAX_ORDERS_PER_MESSAGE = 64;

const sequenceSchema = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

export const acceptedOrderSchema = z.strictObject({
  orderId: orderIdSchema,
  shopperId: shopperIdSchema,
  quantity: z.number().int().min(1).max(10),
  fingerprint: z.string().regex(/^[A-Za-z0-9_-]{11}$/),
});
export type AcceptedOrder = z.infer<typeof acceptedOrderSchema>;

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
