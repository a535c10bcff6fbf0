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

/** A Kafka message as producers hand it over and consumers receive it; header values are UTF-8. */
export interface EncodedMessage {
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
}

/**
 * Body and headers of one outbox entry. The headers repeat what the ledger needs to book the orders, so that a
 * message whose body cannot be read is still accounted for.
 */
export function encodeOrdersAccepted(event: OrdersAccepted): EncodedMessage {
  return {
    key: event.productId,
    value: JSON.stringify(event),
    headers: {
      type: event.type,
      sale: event.saleId,
      product: event.productId,
      epoch: String(event.epoch),
      'first-sequence': String(event.firstSequence),
      'accepted-at-ms': String(event.acceptedAtMs),
      orders: event.orders
        .map(({ orderId, shopperId, quantity, fingerprint }) =>
          [orderId, shopperId, quantity, fingerprint].join(' '),
        )
        .join('\n'),
    },
  };
}

export type DecodedOrdersAccepted =
  | { readonly outcome: 'event'; readonly event: OrdersAccepted }
  | { readonly outcome: 'unreadable'; readonly reason: string };

/** The event in a message's body; `unreadable` with a reason that repeats nothing of the body. */
export function decodeOrdersAccepted(value: string): DecodedOrdersAccepted {
  const json = parseJson(value);
  if (json === undefined) return { outcome: 'unreadable', reason: 'the body is not JSON' };
  return decoded(json);
}

/** The same event rebuilt from the headers alone, for booking a message whose body is unreadable. */
export function decodeBookingHeaders(headers: Readonly<Record<string, string>>): DecodedOrdersAccepted {
  const orders = (headers['orders'] ?? '').split('\n').map((line) => {
    const [orderId, shopperId, quantity, fingerprint] = line.split(' ');
    return { orderId, shopperId, quantity: Number(quantity), fingerprint };
  });
  return decoded({
    type: headers['type'],
    saleId: headers['sale'],
    productId: headers['product'],
    epoch: Number(headers['epoch']),
    firstSequence: Number(headers['first-sequence']),
    acceptedAtMs: Number(headers['accepted-at-ms']),
    orders,
  });
}

function decoded(candidate: unknown): DecodedOrdersAccepted {
  const result = ordersAcceptedSchema.safeParse(candidate);
  if (result.success) return { outcome: 'event', event: result.data };
  const places = result.error.issues.map(({ path, code }) => `/${path.join('/')} ${code}`);
  return { outcome: 'unreadable', reason: `not ${ORDERS_ACCEPTED_TYPE}: ${places.slice(0, 5).join(', ')}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
