import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { LOG, type Log } from '@flux/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerRefusal } from '../answer-refusal';
import { hookOf } from '../guards/check.guard';
import { ClaimedShopperGuard } from '../guards/claimed-shopper.guard';
import { IdentityGuard } from '../guards/identity.guard';
import { PurchaseShapeGuard } from '../guards/purchase-shape.guard';
import { factOf } from '../guards/request-facts';
import { SoldOutGuard } from '../guards/sold-out.guard';
import { RoomGuard } from '../waiting-room/room.guard';
import { purchaseAnswer } from './purchase-answer';
import { PurchaseService } from './purchase.service';
import { RefusalCounts } from './refusal-counts';

/** The guards of a purchase, in the order in which they are asked. The address limit, which all routes have, comes first. */
@Injectable()
export class PurchaseGuards {
  readonly inOrder;

  constructor(
    shape: PurchaseShapeGuard,
    claimedShopper: ClaimedShopperGuard,
    room: RoomGuard,
    soldOut: SoldOutGuard,
    identity: IdentityGuard,
  ) {
    this.inOrder = [shape, claimedShopper, room, soldOut, identity] as const;
  }
}

/**
 * `POST /v1/orders`. A route of Fastify's own and no controller's method: Nest's router, guards and filter would take
 * more time than all the rest of a purchase. `orders.docs.ts` documents it.
 */
@Injectable()
export class PurchaseRoute implements OnModuleInit {
  constructor(
    private readonly adapters: HttpAdapterHost,
    private readonly guards: PurchaseGuards,
    private readonly purchases: PurchaseService,
    private readonly refusals: RefusalCounts,
    @Inject(LOG) private readonly log: Log,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    fastify.post('/v1/orders', {
      preHandler: this.guards.inOrder.map(hookOf),
      handler: (request, reply) => this.buy(request, reply),
    });
  }

  private async buy(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { outcome, saleId } = await this.purchases.buy(factOf(request, 'wish'), factOf(request, 'shopper'));
    const orderId = 'order' in outcome ? outcome.order.orderId : undefined;
    this.log.debug({ requestId: request.id, orderId, outcome: outcome.outcome }, 'purchase decided');
    const answer = purchaseAnswer(outcome);
    if (answer.kind === 'refused') {
      if (saleId !== undefined) this.refusals.count(saleId, answer.problem.code);
      answerRefusal(reply, answer.problem);
      return;
    }
    reply.status(202).headers({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      location: answer.location,
    });
    if (answer.replayed) reply.header('idempotency-replayed', 'true');
    void reply.send(answer.body);
  }
}
