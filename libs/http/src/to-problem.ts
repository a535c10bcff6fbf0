import { HttpException } from '@nestjs/common';
import { ProblemError, type ErrorCode } from '@flux/contracts';

/** What Fastify, the router and Nest refuse by a status alone. The text is ours: theirs may repeat the request. */
const REFUSALS: Readonly<Partial<Record<number, { readonly code: ErrorCode; readonly detail: string }>>> = {
  400: { code: 'invalid-request', detail: 'The request could not be read.' },
  401: { code: 'unauthenticated', detail: 'Valid credentials are needed.' },
  403: { code: 'forbidden', detail: 'The credentials do not allow this.' },
  404: { code: 'not-found', detail: 'No resource has this address.' },
  405: { code: 'method-not-allowed', detail: 'The resource does not have this method.' },
  408: { code: 'request-timeout', detail: 'The request took too long to arrive.' },
  413: { code: 'payload-too-large', detail: 'The body is larger than this resource takes.' },
  414: { code: 'uri-too-long', detail: 'The address is longer than any of ours.' },
  415: { code: 'unsupported-media-type', detail: 'The body must be application/json, not compressed.' },
  429: { code: 'rate-limited', detail: 'Too many requests from this address.' },
  431: { code: 'headers-too-large', detail: 'The headers are too large or too many.' },
  503: { code: 'temporarily-unavailable', detail: 'The service cannot answer now.' },
};

/** The refusal that a status stands for. */
export function problemOfStatus(status: number): ProblemError {
  const refusal = REFUSALS[status] ?? REFUSALS[status >= 400 && status < 500 ? 400 : 500];
  if (refusal === undefined) return new ProblemError('internal-error', 'The request could not be completed.');
  return new ProblemError(refusal.code, refusal.detail);
}

/**
 * Whatever was thrown, as an entry of the error table. What is not an expected refusal becomes `internal-error`,
 * and nothing of it is told.
 */
export function toProblem(thrown: unknown): ProblemError {
  if (thrown instanceof ProblemError) return thrown;
  if (thrown instanceof HttpException) return problemOfStatus(thrown.getStatus());
  if (isAborted(thrown)) return problemOfStatus(400);
  return problemOfStatus(500);
}

/** How Node says that a client left while its body was under way. Nobody hears the answer, and nothing broke. */
function isAborted(thrown: unknown): boolean {
  const { code, message } = (thrown ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return code === 'ECONNRESET' && message === 'aborted';
}
