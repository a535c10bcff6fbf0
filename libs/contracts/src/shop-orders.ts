import { z } from 'zod';
import { orderIdSchema, productIdSchema, saleIdSchema, shopperIdSchema } from './ids';
import { ORDER_STATUSES } from './order-status';
import { amountMinorSchema, currencySchema } from './sale';

/** The payment's name with its provider, or the shop's own: `pi_3Nf...`. */
export const paymentIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,255}$/, 'must match [A-Za-z0-9._:-]{1,255}');

/** Body of `POST /shop/v1/orders/:id/paid`. */
export const paidBodySchema = z.strictObject({
  paymentId: paymentIdSchema.meta({ example: 'pi_0001' }),
  amountMinor: amountMinorSchema.meta({
    description: 'Price times quantity, in minor units',
    example: 12_900,
  }),
  currency: currencySchema.meta({ example: 'EUR' }),
});
export type PaidBody = z.infer<typeof paidBodySchema>;

/** Body of `POST /shop/v1/orders/:id/cancel`. */
export const shopCancelBodySchema = z.strictObject({
  reason: z.string().trim().min(1).max(500).meta({ example: 'Payment was refused' }),
});
export type ShopCancelBody = z.infer<typeof shopCancelBodySchema>;

/** An order as the shop's backend sees it. */
export const shopOrderSchema = z.object({
  orderId: orderIdSchema,
  saleId: saleIdSchema,
  productId: productIdSchema,
  shopperId: shopperIdSchema,
  quantity: z.number().int(),
  amountMinor: amountMinorSchema,
  currency: currencySchema,
  status: z.enum(ORDER_STATUSES),
  reason: z.string().optional(),
  acceptedAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
  holdUntil: z.iso.datetime().optional(),
});
export type ShopOrder = z.infer<typeof shopOrderSchema>;

export const REFUND_STATES = ['due', 'done'] as const;
export const refundSchema = z.object({
  paymentId: paymentIdSchema,
  orderId: orderIdSchema,
  amountMinor: amountMinorSchema,
  currency: currencySchema,
  reason: z.string(),
  state: z.enum(REFUND_STATES),
  createdAt: z.iso.datetime(),
  doneAt: z.iso.datetime().optional(),
});
export type Refund = z.infer<typeof refundSchema>;

/** `GET /shop/v1/orders/:id`: the order, what it went through, and the money that came for it. */
export const shopOrderDetailSchema = shopOrderSchema.extend({
  /** Oldest first; the last entry is the present. */
  history: z.array(
    z.object({ status: z.enum(ORDER_STATUSES), at: z.iso.datetime(), reason: z.string().optional() }),
  ),
  payments: z.array(
    z.object({
      paymentId: paymentIdSchema,
      amountMinor: amountMinorSchema,
      currency: currencySchema,
      state: z.enum(['pending', 'applied', 'refund-due']),
      createdAt: z.iso.datetime(),
    }),
  ),
  refunds: z.array(refundSchema),
});
export type ShopOrderDetail = z.infer<typeof shopOrderDetailSchema>;
