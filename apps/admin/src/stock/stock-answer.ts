import { productIdSchema, saleIdSchema } from '@flux/contracts';
import type { StockChangeEntity } from '@flux/ledger';
import { z } from 'zod';

/** A stock change as its caller sees it. */
export const stockChangeAnswerSchema = z
  .object({
    id: z.string().meta({ description: 'Names this change in the audit log' }),
    saleId: saleIdSchema,
    productId: productIdSchema,
    delta: z.number().int(),
    reason: z.string(),
    state: z.enum(['pending', 'applied']).meta({
      description:
        'pending: the ledger has the units, and the gate gets them as soon as Redis answers; the same key asks again',
    }),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'StockChange' });
export type StockChangeAnswer = z.infer<typeof stockChangeAnswerSchema>;

export function stockChangeAnswer(
  { id, saleId, productId, delta, reason, createdAt }: StockChangeEntity,
  state: StockChangeAnswer['state'],
): StockChangeAnswer {
  return { id, saleId, productId, delta, reason, state, createdAt: createdAt.toISOString() };
}
