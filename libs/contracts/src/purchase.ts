import { z } from 'zod';
import { orderIdSchema, productIdSchema, saleIdSchema } from './ids';
import { ORDER_STATUSES } from './order-status';

/** Body of `POST /v1/orders`. Strict: no coercion, no unknown field. */
export const purchaseBodySchema = z.strictObject({
  productId: productIdSchema.meta({ example: 'sneaker-42' }),
  quantity: z.number().int().min(1).max(10).default(1).meta({ description: 'Units, 1 to 10', example: 1 }),
  saleId: saleIdSchema.optional().meta({
    description:
      "With it the request is for that sale and no later one; without, for the product's current sale",
  }),
});
export type PurchaseBody = z.infer<typeof purchaseBodySchema>;

/** The 202. A replay of the key gets these bytes again. */
export const acceptedAnswerSchema = z.object({
  orderId: orderIdSchema,
  status: z.literal('accepted'),
  productId: productIdSchema,
  saleId: saleIdSchema,
  quantity: z.number().int(),
  acceptedAt: z.iso.datetime(),
});
export type AcceptedAnswer = z.infer<typeof acceptedAnswerSchema>;

/** `GET /v1/orders/:orderId`. */
export const orderAnswerSchema = z.object({
  orderId: orderIdSchema,
  status: z.enum(ORDER_STATUSES),
  productId: productIdSchema,
  saleId: saleIdSchema,
  quantity: z.number().int(),
  acceptedAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  holdUntil: z.iso
    .datetime()
    .optional()
    .meta({ description: 'While confirmed: until when its units are held' }),
  eventsUrl: z
    .string()
    .optional()
    .meta({ description: "Of the GET only: where the order's changes are streamed, good for ten minutes" }),
});
export type OrderAnswer = z.infer<typeof orderAnswerSchema>;
