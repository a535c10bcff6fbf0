import { ProblemError } from '@flux/contracts';
import { clientIpOf, jitteredSeconds } from '@flux/http';
import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';

/** Routes that supervisors and scrapers ask for. */
const NOT_COUNTED = /^\/(health\/|metrics$)/;

/** At most so many requests from one address, whatever they ask for, over all admin processes: also of whoever tries keys. */
@Injectable()
export class AddressLimitGuard extends ThrottlerGuard {
  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    const { routeOptions } = context.switchToHttp().getRequest<FastifyRequest>();
    return Promise.resolve(NOT_COUNTED.test(routeOptions.url ?? ''));
  }

  protected override getTracker(request: FastifyRequest): Promise<string> {
    return Promise.resolve(clientIpOf(request));
  }

  /** One count for all routes. */
  protected override generateKey(_context: ExecutionContext, tracker: string): string {
    return tracker;
  }

  protected override throwThrottlingException(
    _context: ExecutionContext,
    { timeToBlockExpire }: ThrottlerLimitDetail,
  ): Promise<void> {
    throw new ProblemError('rate-limited', 'Too many requests from this address.', {
      retryAfterSeconds: jitteredSeconds(timeToBlockExpire),
    });
  }
}
