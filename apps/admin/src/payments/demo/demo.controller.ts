import { ORDER_STATUSES, ProblemError, orderIdSchema, paymentIdSchema } from '@flux/contracts';
import { ApiProblems, parseInput } from '@flux/http';
import { OrderEntity } from '@flux/ledger';
import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { OrderActions } from '../../shop/order-actions.service';
import { priceOf } from '../../shop/order-details';
import { orderHead } from '../../shop/shop-order';
import { SHOP_ORDER_EXAMPLE } from '../../shop/shop-docs';
import { orderIdOfDemoPayment } from './demo-provider';

const confirmParams = z.strictObject({ paymentId: paymentIdSchema });
const confirmedSchema = z.object({
  paymentId: paymentIdSchema,
  orderId: orderIdSchema,
  status: z.enum(ORDER_STATUSES),
});

const { orderId } = SHOP_ORDER_EXAMPLE;

/** Stands for the payment page of a provider: whoever has the address may pay. */
@Controller('payments/demo')
@ApiTags('demo payments')
export class DemoPaymentController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly actions: OrderActions,
  ) {}

  @Post(':paymentId/confirm')
  @HttpCode(200)
  @ApiOperation({ summary: 'Pay: what a shopper does on the page of a payment provider' })
  @ApiParam({ name: 'paymentId', example: `demo_${orderId}` })
  @ApiResponse({
    status: 200,
    description: 'Paid',
    standardSchema: confirmedSchema,
    example: { paymentId: `demo_${orderId}`, orderId, status: 'paid' },
  })
  @ApiProblems('invalid-request', 'unknown-payment', 'refund-due', 'not-confirmed', 'internal-error')
  @ApiProblems('not-ready', 'temporarily-unavailable')
  async confirm(@Param() params: unknown): Promise<z.infer<typeof confirmedSchema>> {
    const { paymentId } = parseInput(confirmParams, params);
    const { manager } = this.dataSource;
    const order = await manager.findOneBy(OrderEntity, { orderId: orderIdOfDemoPayment(paymentId) ?? '' });
    if (order === null) throw new ProblemError('unknown-payment', 'No payment has this id.');
    const { amountMinor, currency } = orderHead(order, await priceOf(manager, order));
    const payment = { paymentId, amountMinor, currency, provider: 'demo' };
    const result = await this.actions.pay(order.orderId, payment);
    switch (result.outcome) {
      case 'order':
        return { paymentId, orderId: order.orderId, status: result.order.status };
      case 'refused':
        throw result.problem;
    }
  }
}
