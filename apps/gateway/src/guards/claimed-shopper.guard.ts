import { Inject, Injectable } from '@nestjs/common';
import type { Refusal } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { CheckGuard } from './check.guard';
import { IDENTITY, type Identity } from './identity';
import { factsOf } from './request-facts';

const NO_SHOPPER: Refusal = { code: 'unauthenticated', detail: 'The request names no shopper.', extra: {} };

/** Does the request name a shopper? Costs no signature check. Sets `claimedShopper`; else 401. */
@Injectable()
export class ClaimedShopperGuard extends CheckGuard {
  constructor(@Inject(IDENTITY) private readonly identity: Identity) {
    super();
  }

  override check(request: FastifyRequest): Refusal | undefined {
    const shopper = this.identity.claimed(request.headers);
    if (shopper === undefined) return NO_SHOPPER;
    factsOf(request).claimedShopper = shopper;
    return undefined;
  }
}
