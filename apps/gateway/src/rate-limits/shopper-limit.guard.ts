import { Injectable } from '@nestjs/common';
import type { Refusal } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { AccessLists } from '../access/access-lists';
import { CheckGuard } from '../guards/check.guard';
import { factOf } from '../guards/request-facts';
import { noteTaking } from './limit-answer';
import { RateLimits } from './rate-limits';

/** Has the shopper asked for too much lately, wherever they asked? Only behind the identity: else one could use up another's. */
@Injectable()
export class ShopperLimitGuard extends CheckGuard {
  constructor(
    private readonly limits: RateLimits,
    private readonly access: AccessLists,
  ) {
    super();
  }

  override check(request: FastifyRequest): Refusal | undefined {
    const shopperId = factOf(request, 'shopper');
    if (this.access.ofShopper(shopperId) === 'allow') return undefined;
    return noteTaking(request, this.limits.ofShopper(shopperId), 'Too many requests of this shopper.');
  }
}
