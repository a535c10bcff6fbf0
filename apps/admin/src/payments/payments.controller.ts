import { amountMinorSchema, currencySchema, paymentIdSchema } from '@flux/contracts';
import { ApiProblems, parseInput } from '@flux/http';
import { Param, Post } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { ServiceController } from '../keys/service-controller';
import { orderParams } from '../shop/order-params';
import { ApiOrderId } from '../shop/shop-docs';
import { PaymentStart } from './payment-start.service';

const startedPaymentSchema = z.object({
  paymentId: paymentIdSchema,
  provider: z.enum(['stripe', 'demo']),
  amountMinor: amountMinorSchema,
  currency: currencySchema,
  clientSecret: z.string().optional().meta({ description: "What Stripe's browser library is given" }),
  confirmUrl: z.string().optional().meta({ description: 'With the demo provider: a POST here pays' }),
});
type StartedPaymentAnswer = z.infer<typeof startedPaymentSchema>;

const EXAMPLE: StartedPaymentAnswer = {
  paymentId: 'pi_3Pxyz',
  provider: 'stripe',
  amountMinor: 12_900,
  currency: 'EUR',
  clientSecret: 'pi_3Pxyz_secret_abc',
};

@ServiceController('orders', 'shop: payments')
export class PaymentsController {
  constructor(private readonly payments: PaymentStart) {}

  @Post(':id/payments')
  @ApiOperation({
    summary: "Start an order's payment at the payment provider",
    description:
      'Only while the order is confirmed; the amount is price times quantity. Again for the same order it answers the ' +
      'same payment, so it needs no `Idempotency-Key`.',
  })
  @ApiOrderId()
  @ApiResponse({
    status: 201,
    description: 'Started, now or before',
    standardSchema: startedPaymentSchema,
    example: EXAMPLE,
  })
  @ApiProblems('invalid-request', 'unknown-order', 'not-confirmed', 'not-ready', 'temporarily-unavailable')
  async start(@Param() params: unknown): Promise<StartedPaymentAnswer> {
    const { id } = parseInput(orderParams, params);
    return this.payments.start(id);
  }
}
