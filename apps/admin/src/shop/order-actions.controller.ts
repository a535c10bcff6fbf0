import { paidBodySchema, type ShopOrder, shopCancelBodySchema, shopOrderSchema } from '@flux/contracts';
import { ApiProblems, openApiSchema, parseInput } from '@flux/http';
import { Body, Headers, HttpCode, Param, Post, Res, applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiIdempotencyKey, KEY_HEADER, parseIdempotencyKey } from '../idempotency-key';
import { Service, ServiceController } from '../keys/service-controller';
import { OrderActions } from './order-actions.service';
import { orderParams } from './order-params';
import { type ServiceAnswer, ServiceRequests } from './service-requests';
import { ApiOrderId, SHOP_ORDER_EXAMPLE } from './shop-docs';

const REPLAYED_HEADER = 'Idempotency-Replayed';

@ServiceController('orders', 'shop: orders')
export class OrderActionsController {
  constructor(
    private readonly actions: OrderActions,
    private readonly requests: ServiceRequests,
  ) {}

  @Post(':id/paid')
  @ApiAction({
    summary: 'Say that an order is paid',
    description:
      'Idempotent by payment id, with or without a key. A confirmed order becomes `paid`. An order that has expired or ' +
      'was cancelled gets its units anew if there are any; else the answer is `refund-due`, and exactly one refund ' +
      'is recorded. So too where the order was paid by another payment, or was rejected.',
    example: { ...SHOP_ORDER_EXAMPLE },
  })
  @ApiBody({
    schema: openApiSchema(paidBodySchema, 'input'),
    examples: { paid: { value: { paymentId: 'pi_0001', amountMinor: 12_900, currency: 'EUR' } } },
  })
  @ApiProblems('invalid-request', 'invalid-idempotency-key', 'amount-mismatch')
  @ApiProblems('refund-due', 'not-confirmed')
  async paid(
    @Service() service: string,
    @Param() params: unknown,
    @Headers(KEY_HEADER) key: string | undefined,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShopOrder> {
    const { id: orderId } = parseInput(orderParams, params);
    const idempotencyKey = parseIdempotencyKey(key);
    const payment = parseInput(paidBodySchema, body);
    const { paymentId, amountMinor, currency } = payment;
    const fields = [paymentId, String(amountMinor), currency];
    const answer = await this.requests.once(
      { service, action: 'paid', orderId, fields, idempotencyKey },
      () => this.actions.pay(orderId, payment),
    );
    return orderOf(answer, reply);
  }

  @Post(':id/cancel')
  @ApiAction({
    summary: 'Give up an order that is not paid',
    description:
      'Its units go back on sale. A repeat changes nothing, and neither does the reason of a repeat.',
    example: { ...SHOP_ORDER_EXAMPLE, status: 'cancelled', reason: 'Payment was refused' },
  })
  @ApiBody({
    schema: openApiSchema(shopCancelBodySchema, 'input'),
    examples: { cancel: { value: { reason: 'Payment was refused' } } },
  })
  @ApiProblems('invalid-request', 'invalid-idempotency-key')
  @ApiProblems('not-cancellable', 'not-confirmed')
  async cancel(
    @Service() service: string,
    @Param() params: unknown,
    @Headers(KEY_HEADER) key: string | undefined,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ShopOrder> {
    const { id: orderId } = parseInput(orderParams, params);
    const idempotencyKey = parseIdempotencyKey(key);
    const wish = parseInput(shopCancelBodySchema, body);
    const fields = [wish.reason];
    const answer = await this.requests.once(
      { service, action: 'cancel', orderId, fields, idempotencyKey },
      () => this.actions.cancel(orderId, wish),
    );
    return orderOf(answer, reply);
  }
}

/** @throws ProblemError where it was refused */
function orderOf({ result, replayed }: ServiceAnswer, reply: FastifyReply): ShopOrder {
  if (replayed) reply.header(REPLAYED_HEADER, 'true');
  switch (result.outcome) {
    case 'order':
      return result.order;
    case 'refused':
      throw result.problem;
  }
}

/** Documents what the actions share. */
function ApiAction(text: {
  readonly summary: string;
  readonly description: string;
  readonly example: ShopOrder;
}): MethodDecorator {
  return applyDecorators(
    HttpCode(200),
    ApiOperation({
      summary: text.summary,
      description: `${text.description} With an \`Idempotency-Key\` a repeat gets the first final answer again, for a week at least.`,
    }),
    ApiOrderId(),
    ApiIdempotencyKey(),
    ApiResponse({
      status: 200,
      description: 'The order as it is now',
      standardSchema: shopOrderSchema,
      example: text.example,
      headers: {
        [REPLAYED_HEADER]: {
          schema: { type: 'string', enum: ['true'] },
          description: 'Answered from before',
        },
      },
    }),
    ApiProblems('unknown-order', 'payload-too-large', 'unsupported-media-type', 'idempotency-key-reused'),
    ApiProblems('not-ready', 'temporarily-unavailable'),
  );
}
