import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CHALLENGE_ACTIONS, ProblemError, saleIdSchema } from '@flux/contracts';
import { clientIpOf, parseInput } from '@flux/http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { hookOf } from '../guards/check.guard';
import { ClaimedShopperGuard } from '../guards/claimed-shopper.guard';
import { factOf } from '../guards/request-facts';
import { orUnavailable } from '../or-unavailable';
import { SaleDirectory } from '../sales/sale-directory';
import type { Room } from '../waiting-room/room';
import { ChallengeService } from './challenge.service';
import { SaleChallenges, type Comer } from './sale-challenges';

type SaleRequest = FastifyRequest<{ readonly Params: { readonly saleId: string } }>;

const querySchema = z.object({ action: z.enum(CHALLENGE_ACTIONS).default('purchase') });

/**
 * `GET /v1/sales/:saleId/challenge`. Of Fastify's own for the reason that the purchase is one: a crowd comes here. It is
 * enough to say who one is: a challenge is of use to that shopper alone. `challenge.docs.ts` documents it.
 */
@Injectable()
export class ChallengeRoute implements OnModuleInit {
  constructor(
    private readonly adapters: HttpAdapterHost,
    private readonly claimedShopper: ClaimedShopperGuard,
    private readonly directory: SaleDirectory,
    private readonly sales: SaleChallenges,
    private readonly challenges: ChallengeService,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    fastify.get(
      '/v1/sales/:saleId/challenge',
      { preHandler: hookOf(this.claimedShopper) },
      (request, reply) => this.offer(request as SaleRequest, reply),
    );
  }

  private async offer(request: SaleRequest, reply: FastifyReply): Promise<void> {
    const { saleId } = request.params;
    const { action } = parseInput(querySchema, request.query);
    const room = await orUnavailable(this.roomOf(saleId));
    const shopperId = factOf(request, 'claimedShopper');
    const comer: Comer = { saleId, action, shopperId, ip: clientIpOf(request) };
    const answer = this.challenges.offer(comer, this.sales.askedOf(room, comer));
    void reply
      .headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
      .send(JSON.stringify(answer));
  }

  /** @throws ProblemError `unknown-sale` @throws GateUnavailableError */
  private async roomOf(saleId: string): Promise<Room> {
    const isKnown =
      saleIdSchema.safeParse(saleId).success && (await this.directory.find(saleId)) !== undefined;
    if (!isKnown) throw new ProblemError('unknown-sale', 'No sale has this id.');
    return this.sales.meet(saleId);
  }
}
