import { Injectable } from '@nestjs/common';
import type { Refusal } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { AccessLists } from '../access/access-lists';
import { CheckGuard } from './check.guard';
import { factOf } from './request-facts';

const DENIED: Refusal = { code: 'forbidden', detail: 'This shopper may not buy here.', extra: {} };

/**
 * Is the verified shopper on the list of those denied? 403, in front of buying and of joining a line. What was bought
 * before can still be read, followed and given up.
 */
@Injectable()
export class DeniedShopperGuard extends CheckGuard {
  constructor(private readonly lists: AccessLists) {
    super();
  }

  override check(request: FastifyRequest): Refusal | undefined {
    return this.lists.ofShopper(factOf(request, 'shopper')) === 'deny' ? DENIED : undefined;
  }
}
