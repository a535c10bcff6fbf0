import { ApiProblems, RawBody } from '@flux/http';
import { Controller, HttpCode, Post, UseGuards } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { ProviderEvents } from '../provider-events.service';
import { type StripeEvent, providerEventOf } from './stripe-event';
import { SignedStripeEvent, StripeSignatureGuard } from './stripe-signature.guard';

/** Events carry a whole payment intent or charge: some 10 kB. */
const BODY_LIMIT_BYTES = 262_144;

const receivedSchema = z.object({ received: z.literal(true) });

@Controller('webhooks')
@ApiTags('payments')
export class StripeWebhookController {
  constructor(private readonly events: ProviderEvents) {}

  @Post('stripe')
  @HttpCode(200)
  @RawBody(BODY_LIMIT_BYTES)
  @UseGuards(StripeSignatureGuard)
  @ApiOperation({
    summary: 'What Stripe tells of payments and refunds',
    description:
      'The endpoint to enter at Stripe, for `payment_intent.succeeded`, `charge.refunded` and `refund.failed`; others are ' +
      'taken and ignored. Events may come again and in any order. A 503 makes Stripe send again.',
  })
  @ApiHeader({ name: 'Stripe-Signature', required: true, description: 'Over the raw bytes; ±300 s' })
  @ApiBody({
    schema: { type: 'object' },
    description: "Stripe's Event object",
    examples: {
      paid: {
        value: {
          id: 'evt_1Pxyz',
          type: 'payment_intent.succeeded',
          data: {
            object: {
              id: 'pi_3Pxyz',
              amount_received: 12_900,
              currency: 'eur',
              metadata: { order_id: 'autumn-drop.sneaker-42.u8rZ0f4bq1mXn2Yp7sKdLw' },
            },
          },
        },
      },
    },
  })
  @ApiResponse({
    status: 200,
    description: 'Taken',
    standardSchema: receivedSchema,
    example: { received: true },
  })
  @ApiProblems('invalid-request', 'unauthenticated', 'payload-too-large', 'unsupported-media-type')
  @ApiProblems('internal-error', 'temporarily-unavailable')
  async receive(@SignedStripeEvent() signed: StripeEvent): Promise<z.infer<typeof receivedSchema>> {
    const event = providerEventOf(signed);
    if (event !== undefined) await this.events.receive('stripe', event);
    return { received: true };
  }
}
