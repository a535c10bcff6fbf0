import { Controller, Get, HttpCode, Inject, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { OrderAnswer } from '@flux/contracts';
import { LOG, type Log } from '@flux/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClaimedShopperGuard } from '../guards/claimed-shopper.guard';
import { IdentityGuard } from '../guards/identity.guard';
import { NoBodyGuard } from '../guards/no-body.guard';
import { PurchaseShapeGuard } from '../guards/purchase-shape.guard';
import { factOf } from '../guards/request-facts';
import { SoldOutGuard } from '../guards/sold-out.guard';
import { orUnavailable } from '../or-unavailable';
import { CancelService } from './cancel.service';
import { OrderStatusService } from './order-status.service';
import { DocumentCancel, DocumentOrder, DocumentPurchase } from './orders.docs';
import { purchaseAnswer } from './purchase-answer';
import { PurchaseService } from './purchase.service';
import { RefusalCounts } from './refusal-counts';

/** Buying, reading what was bought, and giving it up. The guards stand in the order in which they are asked. */
@Controller('v1/orders')
export class OrdersController {
  constructor(
    private readonly purchases: PurchaseService,
    private readonly refusals: RefusalCounts,
    private readonly orders: OrderStatusService,
    private readonly cancellations: CancelService,
    @Inject(LOG) private readonly log: Log,
  ) {}

  @Post()
  @HttpCode(202)
  @UseGuards(PurchaseShapeGuard, ClaimedShopperGuard, SoldOutGuard, IdentityGuard)
  @DocumentPurchase()
  async buy(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { outcome, saleId } = await this.purchases.buy(factOf(request, 'wish'), factOf(request, 'shopper'));
    const orderId = 'order' in outcome ? outcome.order.orderId : undefined;
    this.log.debug({ requestId: request.id, orderId, outcome: outcome.outcome }, 'purchase decided');
    const answer = purchaseAnswer(outcome);
    if (answer.kind === 'refused') {
      if (saleId !== undefined) this.refusals.count(saleId, answer.problem.code);
      throw answer.problem;
    }
    reply.headers({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      location: answer.location,
    });
    if (answer.replayed) reply.header('idempotency-replayed', 'true');
    return answer.body;
  }

  @Get(':orderId')
  @UseGuards(ClaimedShopperGuard, IdentityGuard)
  @DocumentOrder()
  async find(
    @Param('orderId') orderId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderAnswer> {
    reply.header('cache-control', 'no-store');
    return orUnavailable(this.orders.find(orderId, factOf(request, 'shopper')));
  }

  @Post(':orderId/cancel')
  @HttpCode(202)
  @UseGuards(NoBodyGuard, ClaimedShopperGuard, IdentityGuard)
  @DocumentCancel()
  async cancel(
    @Param('orderId') orderId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderAnswer> {
    reply.header('cache-control', 'no-store');
    return this.cancellations.cancel(orderId, factOf(request, 'shopper'));
  }
}
