import { randomInt } from 'node:crypto';
import { ERRORS, problemOf, type ProblemError } from '@flux/contracts';

export interface RenderedProblem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where nothing says when a retry makes sense: 1 to 3 s, so that a crowd does not come back in one instant. */
const RETRY_AFTER_SECONDS = { min: 1, max: 3 };

/** RFC 9457 as bytes: the same for the router, the parser, the guards and the handlers. */
export function renderProblem(error: ProblemError, requestId: string): RenderedProblem {
  const { status, retryable } = ERRORS[error.code];
  const retryAfterSeconds = error.extra.retryAfterSeconds ?? (retryable ? jitteredSeconds() : undefined);
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      // A crowd's clients may keep a "sold out" for a second; every other refusal is judged anew.
      'cache-control': error.code === 'sold-out' ? 'private, max-age=1' : 'no-store',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
    body: JSON.stringify(problemOf(error, requestId)),
  };
}

/** `base` seconds and up to two more. */
export function jitteredSeconds(base: number = RETRY_AFTER_SECONDS.min): number {
  return base + randomInt(0, RETRY_AFTER_SECONDS.max);
}
