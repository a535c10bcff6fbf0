import { Controller, Get, Headers, Param, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OriginGuard } from '../guards/origin.guard';
import { OrderReaderGuard } from '../guards/order-reader.guard';
import { factOf } from '../guards/request-facts';
import { orUnavailable } from '../or-unavailable';
import { DocumentOrderEvents } from './order-events.docs';
import { OrderEvents } from './order-events.service';

/** Following an order: server-sent events. */
@Controller('v1/orders/:orderId/events')
export class OrderEventsController {
  constructor(private readonly events: OrderEvents) {}

  @Get()
  @UseGuards(OriginGuard, OrderReaderGuard)
  @DocumentOrderEvents()
  async follow(
    @Param('orderId') orderId: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const reader = factOf(request, 'reader');
    await orUnavailable(this.events.open({ orderId, reader, lastEventId, reply }));
  }
}
