import { z } from 'zod';
import { itemOfOrderId, orderIdSchema, productIdSchema, saleIdSchema, shopperIdSchema } from '../ids';

/** Travels in the topic of accepted orders, since it shares their sequences. */
export const CANCEL_REQUESTED_TYPE = 'cancel-requested.v1';

/** One outbox entry: a shopper's wish to give an order up, accepted by the gate. It has one sequence of its own. */
export const cancelRequestedSchema = z
  .strictObject({
    type: z.literal(CANCEL_REQUESTED_TYPE),
    saleId: saleIdSchema,
    productId: productIdSchema,
    epoch: z.number().int().min(1),
    firstSequence: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
    acceptedAtMs: z.number().int().min(0),
    orderId: orderIdSchema,
    shopperId: shopperIdSchema,
  })
  .refine(({ saleId, productId, orderId }) => {
    const item = itemOfOrderId(orderId);
    return item?.saleId === saleId && item.productId === productId;
  }, 'the order belongs to another item');
export type CancelRequested = z.infer<typeof cancelRequestedSchema>;
