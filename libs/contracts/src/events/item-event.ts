import { z } from 'zod';
import { CANCEL_REQUESTED_TYPE, cancelRequestedSchema, type CancelRequested } from './cancel-requested.v1';
import {
  isPlainlyOrdersAccepted,
  lineOfOrder,
  orderOfLine,
  ordersAcceptedSchema,
  type AcceptedOrder,
  type OrdersAccepted,
} from './orders-accepted.v1';

/**
 * What the gate puts into an item's outbox and the relay into the topic of accepted orders: one entry each, numbered
 * in one row of sequences.
 */
export const itemEventSchema = z.discriminatedUnion('type', [ordersAcceptedSchema, cancelRequestedSchema]);
export type ItemEvent = z.infer<typeof itemEventSchema>;

/** The last sequence of an event; the first is `firstSequence`. */
export function lastSequenceOf(event: ItemEvent): number {
  return event.type === CANCEL_REQUESTED_TYPE
    ? event.firstSequence
    : event.firstSequence + event.orders.length - 1;
}

/** The orders that an event brings; none where it is a wish to cancel one. */
export function ordersOf(event: ItemEvent): readonly AcceptedOrder[] {
  return event.type === CANCEL_REQUESTED_TYPE ? [] : event.orders;
}

/** The orders that an event is about, in the order of its sequences. */
export function orderIdsOf(event: ItemEvent): readonly string[] {
  return event.type === CANCEL_REQUESTED_TYPE ? [event.orderId] : event.orders.map(({ orderId }) => orderId);
}

/** A Kafka message as producers hand it over and consumers receive it; header values are UTF-8. */
export interface EncodedMessage {
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
}

/**
 * Body and headers of one outbox entry. The headers repeat what the ledger needs to account for the entry, so that a
 * message whose body cannot be read is still booked.
 */
export function encodeItemEvent(event: ItemEvent): EncodedMessage {
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
      ...(event.type === CANCEL_REQUESTED_TYPE ? cancelHeaders(event) : ordersHeaders(event)),
    },
  };
}

export type DecodedItemEvent =
  | { readonly outcome: 'event'; readonly event: ItemEvent }
  | { readonly outcome: 'unreadable'; readonly reason: string };

/** The event that a value is by the schema; `unreadable` with the first places where it is not, and nothing of it. */
export function readItemEvent(candidate: unknown): DecodedItemEvent {
  if (isPlainlyOrdersAccepted(candidate)) return { outcome: 'event', event: candidate };
  const result = itemEventSchema.safeParse(candidate);
  if (result.success) return { outcome: 'event', event: result.data };
  const places = result.error.issues.map(({ path, code }) => `/${path.join('/')} ${code}`);
  return { outcome: 'unreadable', reason: places.slice(0, 5).join(', ') };
}

/** The event in a message's body; `unreadable` with a reason that repeats nothing of the body. */
export function decodeItemEvent(value: string): DecodedItemEvent {
  const json = parseJson(value);
  if (json === undefined) return { outcome: 'unreadable', reason: 'the body is not JSON' };
  return decoded(json);
}

/** The same event rebuilt from the headers alone, for booking a message whose body is unreadable. */
export function decodeItemHeaders(headers: Readonly<Record<string, string>>): DecodedItemEvent {
  const head = {
    type: headers['type'],
    saleId: headers['sale'],
    productId: headers['product'],
    epoch: Number(headers['epoch']),
    firstSequence: Number(headers['first-sequence']),
    acceptedAtMs: Number(headers['accepted-at-ms']),
  };
  if (head.type === CANCEL_REQUESTED_TYPE) {
    return decoded({ ...head, orderId: headers['order'], shopperId: headers['shopper'] });
  }
  return decoded({ ...head, orders: (headers['orders'] ?? '').split('\n').map(orderOfLine) });
}

function ordersHeaders({ orders }: OrdersAccepted): Record<string, string> {
  return { orders: orders.map(lineOfOrder).join('\n') };
}

function cancelHeaders({ orderId, shopperId }: CancelRequested): Record<string, string> {
  return { order: orderId, shopper: shopperId };
}

function decoded(candidate: unknown): DecodedItemEvent {
  const read = readItemEvent(candidate);
  if (read.outcome === 'event') return read;
  return { outcome: 'unreadable', reason: `not an event of an item: ${read.reason}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
