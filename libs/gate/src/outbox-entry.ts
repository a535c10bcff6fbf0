import {
  CANCEL_REQUESTED_TYPE,
  lastSequenceOf,
  orderOfLine,
  ORDERS_ACCEPTED_TYPE,
  readItemEvent,
  type ItemEvent,
  type ItemRef,
} from '@flux/contracts';

/** One entry of an outbox; `id` is `<epoch>-<last sequence>`. */
export type OutboxEntry =
  | { readonly outcome: 'event'; readonly id: string; readonly event: ItemEvent }
  /** Written by neither reserve.lua nor cancel.lua; `fields` is what stands there. */
  | {
      readonly outcome: 'unreadable';
      readonly id: string;
      readonly reason: string;
      readonly fields: Readonly<Record<string, string>>;
    };

/** The event that reserve.lua or cancel.lua wrote as one stream entry. */
export function decodeOutboxEntry(item: ItemRef, id: string, flat: readonly string[]): OutboxEntry {
  const fields: Record<string, string> = {};
  for (let index = 0; index + 1 < flat.length; index += 2) fields[flat[index] ?? ''] = flat[index + 1] ?? '';
  const [epoch, lastSequence] = id.split('-').map(Number);
  const read = readItemEvent({
    saleId: item.saleId,
    productId: item.productId,
    epoch,
    firstSequence: Number(fields['first']),
    acceptedAtMs: Number(fields['at']),
    ...(fields['cancel'] === undefined ? ordersOf(fields['orders'] ?? '') : intentOf(fields['cancel'])),
  });
  if (read.outcome === 'unreadable') return { outcome: 'unreadable', id, reason: read.reason, fields };
  const { event } = read;
  if (lastSequenceOf(event) !== lastSequence) {
    return { outcome: 'unreadable', id, reason: 'the id is not the last sequence', fields };
  }
  return { outcome: 'event', id, event };
}

function ordersOf(text: string): object {
  return { type: ORDERS_ACCEPTED_TYPE, orders: text.split('\n').map(orderOfLine) };
}

function intentOf(text: string): object {
  const [orderId, shopperId] = text.split(' ');
  return { type: CANCEL_REQUESTED_TYPE, orderId, shopperId };
}
