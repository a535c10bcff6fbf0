import type { ThrottlerStorage } from '@nestjs/throttler';
import type { Limiter } from './limiter';
import type { Policy } from './policy';

type Increment = ThrottlerStorage['increment'];

/** A limiter for the guard of `@nestjs/throttler`: its `ttl` is the window, and `limit` what it lets through at once. */
export class LimiterStorage implements ThrottlerStorage {
  /** @param policies of the throttlers that have a burst of their own or a dry run, by name */
  constructor(
    private readonly limiter: Limiter,
    private readonly policies: readonly Policy[] = [],
  ) {}

  /** Blocks no longer than there is nothing left: a `blockDuration` is not looked at. */
  increment(...[key, ttl, limit, , name]: Parameters<Increment>): ReturnType<Increment> {
    const named = this.policies.find((policy) => policy.name === name);
    const policy = named ?? { name, limit, windowMs: ttl, burst: limit, isDryRun: false };
    const { outcome, remaining, resetMs } = this.limiter.take([{ policy, principal: key }]);
    const isBlocked = outcome === 'refused';
    const seconds = Math.max(1, Math.ceil(resetMs / 1_000));
    return Promise.resolve({
      totalHits: isBlocked ? limit + 1 : limit - remaining,
      timeToExpire: seconds,
      isBlocked,
      timeToBlockExpire: isBlocked ? seconds : 0,
    });
  }
}
