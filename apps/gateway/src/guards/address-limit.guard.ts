import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ProblemError } from '@flux/contracts';
import { jitteredSeconds } from '@flux/http';
import { HealthController } from '@flux/telemetry';
import { ThrottlerGuard, type ThrottlerLimitDetail } from '@nestjs/throttler';

/** At most so many requests from one address in a window, whatever they ask for. Probes are not counted. */
@Injectable()
export class AddressLimitGuard extends ThrottlerGuard {
  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    return Promise.resolve(context.getClass() === HealthController);
  }

  protected override generateKey(_context: ExecutionContext, address: string): string {
    return address;
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
