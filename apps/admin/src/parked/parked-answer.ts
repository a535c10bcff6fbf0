import type { ParkedMessageEntity } from '@flux/ledger';
import { z } from 'zod';

/** Without body and headers: they hold shoppers' ids, and the body may hold anything. */
const parkedMessageSchema = z.object({
  id: z.string(),
  topic: z.string(),
  partition: z.number().int(),
  offset: z.string(),
  reason: z.string(),
  saleId: z.string().nullable(),
  productId: z.string().nullable(),
  epoch: z.number().int().nullable(),
  firstSequence: z.number().int().nullable(),
  orders: z.number().int().meta({ description: 'Orders that wait with this message' }),
  bookedUnits: z.number().int().meta({ description: 'Units booked for them in the ledger' }),
  state: z.enum(['parked', 'retried', 'discarded']),
  parkedAt: z.iso.datetime(),
  resolvedAt: z.iso.datetime().nullable(),
});
export type ParkedMessage = z.infer<typeof parkedMessageSchema>;
export const parkedListSchema = z.object({
  messages: z.array(parkedMessageSchema),
  next: z.string().nullable(),
});

/** As the docs show it. */
export const PARKED_MESSAGE_EXAMPLE: ParkedMessage = {
  id: '3',
  topic: 'orders-accepted.v1',
  partition: 5,
  offset: '1840',
  reason: 'the body is not JSON',
  saleId: 'autumn-drop',
  productId: 'sneaker-42',
  epoch: 1,
  firstSequence: 212,
  orders: 4,
  bookedUnits: 4,
  state: 'parked',
  parkedAt: '2026-01-01T10:15:00.000Z',
  resolvedAt: null,
};

/** What a retry came to. */
export const retryAnswerSchema = z.object({
  id: z.string(),
  state: z.enum(['parked', 'retried']).meta({ description: '`parked` while orders wait with the message' }),
  confirmed: z.number().int().meta({ description: 'Orders that are confirmed now' }),
  waiting: z
    .number()
    .int()
    .meta({ description: "Orders for which units, or room in the shopper's limit, lack" }),
});
export type RetryAnswer = z.infer<typeof retryAnswerSchema>;

/** What a discard came to. */
export const discardAnswerSchema = z.object({
  id: z.string(),
  state: z.literal('discarded'),
  cancelled: z.number().int().meta({ description: 'Orders that are cancelled now' }),
});
export type DiscardAnswer = z.infer<typeof discardAnswerSchema>;

/** The row as operators see it. */
export function parkedMessage(row: ParkedMessageEntity): ParkedMessage {
  const { id, topic, partition, reason, saleId, productId, epoch, firstSequence, state } = row;
  return {
    ...{ id, topic, partition, offset: row.messageOffset, reason, saleId, productId, epoch, firstSequence },
    orders: row.orderCount,
    bookedUnits: row.booked,
    state,
    parkedAt: row.parkedAt.toISOString(),
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
  };
}
