import { encodeItemEvent, ORDERS_ACCEPTED_TYPE, type ItemRef } from '@flux/contracts';
import type { OutboxEntry } from '@flux/gate';
import type { OutgoingMessage } from '@flux/kafka';

/** Kafka refuses a message over 1 MB for good, which would stop the item; the start of a foreign one is enough. */
const MAX_FOREIGN_BYTES = 256 * 1_024;

/**
 * An outbox entry as a Kafka message. One that the gate did not write is sent on too, so that it stops nothing and
 * the orders process parks it: its body is no event, and its headers name the item but carry nothing to book, since
 * nothing of it can be trusted.
 */
export function encodeEntry({ saleId, productId }: ItemRef, entry: OutboxEntry): OutgoingMessage {
  switch (entry.outcome) {
    case 'event':
      return encodeItemEvent(entry.event);
    case 'unreadable': {
      const body = Buffer.from(JSON.stringify({ outboxEntry: entry.id, fields: entry.fields }));
      return {
        key: productId,
        value: body.subarray(0, MAX_FOREIGN_BYTES),
        headers: {
          type: ORDERS_ACCEPTED_TYPE,
          sale: saleId,
          product: productId,
          'outbox-entry': entry.id,
          unreadable: entry.reason,
        },
      };
    }
  }
}
