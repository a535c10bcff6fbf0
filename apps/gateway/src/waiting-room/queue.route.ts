import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { ProblemError, type QueueAnswer } from '@flux/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { GATEWAY_CONFIG, type GatewayConfig } from '../gateway.config';
import { hookOf } from '../guards/check.guard';
import { assertNoBody } from '../guards/no-body.guard';
import { factOf } from '../guards/request-facts';
import { orUnavailable } from '../or-unavailable';
import { JoinGuards } from './join-guards';
import { LookPace } from './look-pace';
import { QueueService } from './queue.service';
import { ticketCookie, ticketIn } from './ticket-in-request';

type QueueRequest = FastifyRequest<{ readonly Params: { readonly saleId: string } }>;

/**
 * `/v1/sales/:saleId/queue`: join, look, leave. Routes of Fastify's own for the reason that the purchase is one: a crowd
 * comes here. `queue.docs.ts` documents them.
 */
@Injectable()
export class QueueRoute implements OnModuleInit {
  private readonly pace = new LookPace();

  constructor(
    private readonly adapters: HttpAdapterHost,
    private readonly queue: QueueService,
    private readonly guards: JoinGuards,
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    const identified: RouteShorthandOptions = {
      preHandler: this.guards.inOrder.map(hookOf),
    };
    const path = '/v1/sales/:saleId/queue';
    fastify.post(path, identified, (request, reply) => this.join(request as QueueRequest, reply));
    fastify.get(path, (request, reply) => this.look(request as QueueRequest, reply));
    fastify.delete(path, (request, reply) => this.leave(request as QueueRequest, reply));
  }

  private async join(request: QueueRequest, reply: FastifyReply): Promise<void> {
    assertNoBody(request.body);
    const { saleId } = request.params;
    const sent = ticketIn(request.headers, saleId);
    const { answer, isNew } = await orUnavailable(this.queue.join(saleId, factOf(request, 'shopper'), sent));
    if (answer.ticket !== undefined) {
      const isSecure = this.config.NODE_ENV === 'production';
      reply.header('set-cookie', ticketCookie(saleId, answer.ticket, isSecure));
    }
    this.answer(reply, answer, isNew ? 201 : 200);
  }

  private async look(request: QueueRequest, reply: FastifyReply): Promise<void> {
    const { saleId } = request.params;
    const held = this.queue.readTicket(saleId, ticketIn(request.headers, saleId));
    const earlyMs = this.pace.tooEarlyMs(held.ticket, performance.now());
    if (earlyMs > 0) {
      throw new ProblemError('rate-limited', 'You asked sooner than you were told.', {
        retryAfterSeconds: Math.ceil(earlyMs / 1_000),
      });
    }
    const answer = await orUnavailable(this.queue.look(saleId, held));
    const isWaiting = answer.status === 'waiting' || answer.status === 'lobby';
    if (isWaiting) this.pace.told(held.ticket, answer.askAgainMs, performance.now());
    this.answer(reply, answer, isWaiting ? 202 : 200);
  }

  private async leave(request: QueueRequest, reply: FastifyReply): Promise<void> {
    const { saleId } = request.params;
    const { ticket } = this.queue.readTicket(saleId, ticketIn(request.headers, saleId));
    await orUnavailable(this.queue.leave(saleId, ticket));
    void reply.status(204).header('cache-control', 'no-store').send();
  }

  private answer(reply: FastifyReply, answer: QueueAnswer, status: number): void {
    if (status !== 200) reply.header('retry-after', String(Math.ceil(answer.askAgainMs / 1_000)));
    void reply
      .status(status)
      .headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
      .send(JSON.stringify(answer));
  }
}
