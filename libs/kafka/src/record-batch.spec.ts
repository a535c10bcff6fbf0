import { encodeItemEvent, MAX_ORDERS_PER_MESSAGE, ORDERS_ACCEPTED_TYPE } from '@flux/contracts';
import fc from 'fast-check';
import { MAX_RECORD_BATCH_BYTES, recordBytes, splitByBytes, type OutgoingMessage } from './record-batch';

function message(value: string): OutgoingMessage {
  return { key: 'k', value, headers: { type: 't' } };
}

describe('splitByBytes', () => {
  it('keeps every message, in order, within the caps', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 200 }), { maxLength: 60 }), (values) => {
        const messages = values.map(message);
        const parts = splitByBytes(messages, { maxBytes: 300, maxMessages: 7 });
        expect(parts.flat()).toEqual(messages);
        for (const part of parts) {
          const bytes = part.reduce((sum, one) => sum + recordBytes(one), 0);
          expect(part.length === 1 || bytes <= 300).toBe(true);
          expect(part.length).toBeLessThanOrEqual(7);
        }
      }),
    );
  });

  it('sends a message over the cap alone', () => {
    const messages = ['a', 'x'.repeat(1_000), 'b'].map(message);
    expect(splitByBytes(messages, { maxBytes: 300 }).map((part) => part.length)).toEqual([1, 1, 1]);
  });
});

describe('recordBytes', () => {
  it('counts UTF-8, not characters', () => {
    expect(recordBytes(message('€'))).toBe(recordBytes(message('e')) + 2);
  });

  it('is small even for the largest outbox entry', () => {
    const id = 'x'.repeat(40);
    const orders = Array.from({ length: MAX_ORDERS_PER_MESSAGE }, () => ({
      orderId: `${id}.${id}.${'h'.repeat(22)}`,
      shopperId: 's'.repeat(64),
      quantity: 10,
      fingerprint: 'f'.repeat(11),
    }));
    const bytes = recordBytes(
      encodeItemEvent({
        type: ORDERS_ACCEPTED_TYPE,
        saleId: id,
        productId: id,
        epoch: Number.MAX_SAFE_INTEGER,
        firstSequence: Number.MAX_SAFE_INTEGER,
        acceptedAtMs: Number.MAX_SAFE_INTEGER,
        orders,
      }),
    );
    expect(bytes).toBeLessThan(30_000);
    expect(bytes).toBeLessThan(MAX_RECORD_BATCH_BYTES);
  });
});
