import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ProblemError } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { IDENTITY, type Identity } from './identity';
import { factsOf } from './request-facts';

/** Does the request name a shopper? Costs no signature check. Sets `claimedShopper`; else 401. */
@Injectable()
export class ClaimedShopperGuard implements CanActivate {
  constructor(@Inject(IDENTITY) private readonly identity: Identity) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const shopper = this.identity.claimed(request.headers);
    if (shopper === undefined) throw new ProblemError('unauthenticated', 'The request names no shopper.');
    factsOf(request).claimedShopper = shopper;
    return true;
  }
}
