import { Inject, Injectable } from '@nestjs/common';
import type { Refusal } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { CheckGuard } from './check.guard';
import { IDENTITY, type Identity } from './identity';
import { factsOf } from './request-facts';

const NOT_VALID: Refusal = {
  code: 'unauthenticated',
  detail: 'The credentials are not valid.',
  extra: {},
};

/** Is the caller that shopper? Sets `shopper`; else 401. */
@Injectable()
export class IdentityGuard extends CheckGuard {
  constructor(@Inject(IDENTITY) private readonly identity: Identity) {
    super();
  }

  override check(request: FastifyRequest): Refusal | undefined | Promise<Refusal | undefined> {
    const verified = this.identity.verified(request.headers);
    return verified instanceof Promise
      ? verified.then((shopper) => noted(request, shopper))
      : noted(request, verified);
  }
}

function noted(request: FastifyRequest, shopper: string | undefined): Refusal | undefined {
  if (shopper === undefined) return NOT_VALID;
  factsOf(request).shopper = shopper;
  return undefined;
}
