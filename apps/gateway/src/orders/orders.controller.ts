import { Controller, Get, HttpCode, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { OrderAnswer } from '@flux/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClaimedShopperGuard } from '../guards/claimed-shopper.guard';
import { IdentityGuard } from '../guards/identity.guard';
import { NoBodyGuard } from '../guards/no-body.guard';
import { factOf } from '../guards/request-facts';
import { orUnavailable } from '../or-unavailable';
import { ShopperLimitGuard } from '../rate-limits/shopper-limit.guard';
import { CancelService } from './cancel.service';
import { OrderStatusService } from './order-status.service';
import { DocumentCancel, DocumentOrder } from './orders.docs';

/** Reading what was bought, and giving it up. The guards stand in the order in which they are asked. */
@Controller('v1/orders')
export class OrdersController {
  constructor(
    private readonly orders: OrderStatusService,
    private readonly cancellations: CancelService,
  ) {}

  @Get(':orderId')
  @UseGuards(ClaimedShopperGuard, IdentityGuard, ShopperLimitGuard)
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
  @UseGuards(NoBodyGuard, ClaimedShopperGuard, IdentityGuard, ShopperLimitGuard)
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
