import { Readable } from 'node:stream';
import { Controller, Get, Param, Query, Req, Res, UseGuards } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OriginGuard } from '../guards/origin.guard';
import { orUnavailable } from '../or-unavailable';
import { DrawService } from './draw.service';
import { DocumentDraw, DocumentQueueEvents } from './queue.docs';
import { QueueEvents } from './queue-events.service';
import { ticketIn } from './ticket-in-request';

/** What of the line is streamed: somebody's place, and the draw that gave the places of the lobby. */
@Controller('v1/sales/:saleId')
export class QueueController {
  constructor(
    private readonly events: QueueEvents,
    private readonly draws: DrawService,
  ) {}

  @Get('queue/events')
  @UseGuards(OriginGuard)
  @DocumentQueueEvents()
  async follow(
    @Param('saleId') saleId: string,
    @Query('ticket') ticket: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const text = typeof ticket === 'string' ? ticket : ticketIn(request.headers, saleId);
    await orUnavailable(this.events.open(saleId, text, reply));
  }

  @Get('draw')
  @DocumentDraw()
  async draw(@Param('saleId') saleId: string, @Res() reply: FastifyReply): Promise<void> {
    const draw = await orUnavailable(this.draws.find(saleId));
    void reply
      .headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'public, max-age=1' })
      .send(Readable.from(draw));
  }
}
