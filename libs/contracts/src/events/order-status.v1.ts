import { z } from 'zod';
import { orderIdSchema, productIdSchema, saleIdSchema, shopperIdSchema } from '../ids';

/** Kafka topic, before `FLUX_TOPIC_PREFIX`, for the shop's systems. The message key is the product id. */
export const ORDER_STATUS_TOPIC = 'order-status.v1';
export const ORDER_STATUS_TYPE = 'order-status.v1';

/** The statuses that the ledger gives. */
export const LEDGER_STATUSES = ['confirmed', 'rejected', 'cancelled', 'expired', 'paid'] as const;
export type LedgerStatus = (typeof LEDGER_STATUSES)[number];

/**
 * One change of an order's state, as PostgreSQL committed it. Delivered at least once, in order for each order;
 * the same change has the same `id` again.
 */
export const orderStatusEventSchema = z.strictObject({
  type: z.literal(ORDER_STATUS_TYPE),
  id: z.string().max(130).meta({ description: '`<orderId>.<status>`: equal for a change that comes again' }),
  orderId: orderIdSchema,
  saleId: saleIdSchema,
  productId: productIdSchema,
  shopperId: shopperIdSchema,
  quantity: z.number().int().min(1),
  status: z.enum(LEDGER_STATUSES),
  reason: z.string().max(500).optional().meta({
    description: 'Why it was rejected: no-units, shopper-limit, old-epoch; or why the shop cancelled it',
  }),
  holdUntil: z.iso
    .datetime()
    .optional()
    .meta({ description: 'With `confirmed`: until when its units are held' }),
  paymentId: z.string().max(255).optional().meta({ description: 'With `paid`' }),
  occurredAt: z.iso.datetime().meta({ description: "By PostgreSQL's clock" }),
});
export type OrderStatusEvent = z.infer<typeof orderStatusEventSchema>;
