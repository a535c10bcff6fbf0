import {
  ORDERS_ACCEPTED_TYPE,
  ordersAcceptedSchema,
  type ItemRef,
  type OrdersAccepted,
} from '@flux/contracts';

/** One entry of an outbox; `id` is `<epoch>-<last sequence>`. */
export type OutboxEntry =
  | { readonly outcome: 'event'; readonly id: string; readonly event: OrdersAccepted }
  /** Not written by reserve.lua; `fields` is what stands there. */
  | {
      readonly outcome: 'unreadable';
      readonly id: string;
      readonly reason: string;
      readonly fields: Readonly<Record<string, string>>;
    };

/** The event that reserve.lua wrote as one stream entry. */
export function decodeOutboxEntry(item: ItemRef, id: string, flat: readonly string[]): OutboxEntry {
  const fields: Record<string, string> = {};
  for (let index = 0; index + 1 < flat.length; index += 2) fields[flat[index] ?? ''] = flat[index + 1] ?? '';
  const [epoch, lastSequence] = id.split('-').map(Number);
  const result = ordersAcceptedSchema.safeParse({
    type: ORDERS_ACCEPTED_TYPE,
    saleId: item.saleId,
    productId: item.productId,
    epoch,
    firstSequence: Number(fields['first']),
    acceptedAtMs: Number(fields['at']),
    orders: (fields['orders'] ?? '').split('\n').map((line) => {
      const [orderId, shopperId, quantity, fingerprint] = line.split(' ');
      return { orderId, shopperId, quantity: Number(quantity), fingerprint };
    }),
  });
  if (!result.success) {
    const places = result.error.issues.map(({ path, code }) => `/${path.join('/')} ${code}`);
    return { outcome: 'unreadable', id, reason: places.slice(0, 5).join(', '), fields };
  }
  const event = result.data;
  if (event.firstSequence + event.orders.length - 1 !== lastSequence) {
    return { outcome: 'unreadable', id, reason: 'the id is not the last sequence', fields };
  }
  return { outcome: 'event', id, event };
}
