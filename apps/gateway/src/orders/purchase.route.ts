import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { LOG, type Log } from '@flux/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerRefusal } from '../answer-refusal';
import { PurchaseChallengeGuard } from '../challenge/challenge.guard';
import { hookOf } from '../guards/check.guard';
import { ClaimedShopperGuard } from '../guards/claimed-shopper.guard';
import { PurchaseShapeGuard } from '../guards/purchase-shape.guard';
import { factOf } from '../guards/request-facts';
import { ShopperGuards } from '../guards/shopper.guards';
import { PurchaseLimitGuard } from '../rate-limits/purchase-limit.guard';
import { ShareCounts } from '../shares/share-counts';
import { LocalRefusals } from './local-refusals';
import { purchaseAnswer } from './purchase-answer';
import { PurchaseService } from './purchase.service';
import { RefusalCounts } from './refusal-counts';

/** The guards of a purchase, in the order in which they are asked. The limits of addresses and routes come before them. */
@Injectable()
export class PurchaseGuards {
  readonly inOrder;

  constructor(
    shape: PurchaseShapeGuard,
    claimedShopper: ClaimedShopperGuard,
    local: LocalRefusals,
    shopper: ShopperGuards,
    saleLimit: PurchaseLimitGuard,
    readonly challenge: PurchaseChallengeGuard,
  ) {
    this.inOrder = [
      shape,
      claimedShopper,
      ...local.inOrder,
      ...shopper.inOrder,
      saleLimit,
      challenge,
    ] as const;
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
    private readonly shares: ShareCounts,
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
    const { outcome, saleId } = await this.purchases.buy(
      factOf(request, 'wish'),
      factOf(request, 'shopper'),
      () => this.guards.challenge.check(request),
    );
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
    else if (saleId !== undefined) this.shares.count(saleId, request, factOf(request, 'wish').quantity);
    void reply.send(answer.body);
  }
}
