import { orderStatusEventSchema } from '@flux/contracts';
import { ApiParam } from '@nestjs/swagger';
import { z } from 'zod';
import { MAX_URL_LENGTH } from './egress-policy';

export const newWebhookSchema = z.strictObject({
  url: z.string().min(1).max(MAX_URL_LENGTH).meta({ example: 'https://shop.example/flux-gate' }),
});

export const webhookSchema = z.object({
  id: z.string(),
  url: z.string(),
  createdAt: z.iso.datetime(),
});
export type WebhookAnswer = z.infer<typeof webhookSchema>;

export const webhookWithSecretSchema = webhookSchema.extend({
  secret: z.string().meta({ description: 'For the verification of signatures; shown this once' }),
});
export type WebhookWithSecret = z.infer<typeof webhookWithSecretSchema>;

export const webhookListSchema = z.object({ webhooks: z.array(webhookSchema) });

export const deliverySchema = z.object({
  id: z.string(),
  state: z.enum(['pending', 'delivered', 'parked']),
  event: orderStatusEventSchema,
  attempts: z.number().int(),
  lastFailure: z.string().nullable(),
  createdAt: z.iso.datetime().meta({ description: 'Or when an operator asked for it again' }),
});
export type DeliveryAnswer = z.infer<typeof deliverySchema>;

export const deliveryPageSchema = z.object({
  deliveries: z.array(deliverySchema),
  next: z.string().nullable(),
});

export const WEBHOOK_EXAMPLE: WebhookAnswer = {
  id: 'wh_u8rZ0f4bq1mXn2Yp',
  url: 'https://shop.example/flux-gate',
  createdAt: '2026-01-01T08:00:00.000Z',
};
export const WEBHOOK_WITH_SECRET_EXAMPLE: WebhookWithSecret = {
  ...WEBHOOK_EXAMPLE,
  secret: 'whsec_bm90IGEgc2VjcmV0LCBhbiBleGFtcGxlIG9mIG9uZS4=',
};
export const DELIVERY_EXAMPLE: DeliveryAnswer = {
  id: '42',
  state: 'parked',
  event: {
    type: 'order-status.v1',
    id: 'autumn-drop.sneaker-42.Qm9yZ2VzIGlzIGF3YXkuLg.paid',
    orderId: 'autumn-drop.sneaker-42.Qm9yZ2VzIGlzIGF3YXkuLg',
    saleId: 'autumn-drop',
    productId: 'sneaker-42',
    shopperId: 'ann@example.com',
    quantity: 1,
    status: 'paid',
    paymentId: 'pi_0001',
    occurredAt: '2026-01-01T09:03:10.055Z',
  },
  attempts: 34,
  lastFailure: 'answered 500',
  createdAt: '2026-01-01T09:03:10.213Z',
};

export function ApiWebhookId(): MethodDecorator {
  return ApiParam({ name: 'id', example: WEBHOOK_EXAMPLE.id });
}
