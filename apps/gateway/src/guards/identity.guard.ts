import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ProblemError } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { IDENTITY, type Identity } from './identity';
import { factsOf } from './request-facts';

/** Is the caller that shopper? Sets `shopper`; else 401. */
@Injectable()
export class IdentityGuard implements CanActivate {
  constructor(@Inject(IDENTITY) private readonly identity: Identity) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const shopper = await this.identity.verified(request.headers);
    if (shopper === undefined) throw new ProblemError('unauthenticated', 'The credentials are not valid.');
    factsOf(request).shopper = shopper;
    return true;
  }
}
