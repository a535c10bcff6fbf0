/** The one error table. Codes are never reused; docs/errors.md lists the same ones, and a test compares the two. */
export const ERRORS = {
  'invalid-request': { status: 400, title: 'The request is not valid', retryable: false },
  'invalid-idempotency-key': {
    status: 400,
    title: 'The idempotency key is missing or not valid',
    retryable: false,
  },
  unauthenticated: { status: 401, title: 'The caller is not known', retryable: false },
  forbidden: { status: 403, title: 'The caller may not do this', retryable: false },
  'pass-invalid': { status: 403, title: 'The pass is not good for this purchase', retryable: false },
  'pass-used': { status: 403, title: 'The pass was used for this product before', retryable: false },
  'challenge-required': { status: 403, title: 'A challenge must be met first', retryable: false },
  'challenge-failed': { status: 403, title: 'The challenge was not met', retryable: false },
  'ticket-invalid': { status: 403, title: 'The ticket is not one of this line', retryable: false },
  'not-in-line': { status: 404, title: 'The ticket has no place in the line any more', retryable: false },
  'not-found': { status: 404, title: 'There is nothing at this address', retryable: false },
  'unknown-product': { status: 404, title: 'The product is not known', retryable: false },
  'unknown-sale': { status: 404, title: 'The sale is not known', retryable: false },
  'unknown-order': { status: 404, title: 'The order is not known', retryable: false },
  'amount-mismatch': {
    status: 400,
    title: 'Amount or currency is not that of the order',
    retryable: false,
  },
  'unknown-webhook': { status: 404, title: 'The webhook endpoint is not known', retryable: false },
  'unknown-payment': { status: 404, title: 'The payment is not known', retryable: false },
  'unknown-key': { status: 404, title: 'The key is not known', retryable: false },
  'unknown-rule': { status: 404, title: 'The rule is not known', retryable: false },
  'unknown-message': { status: 404, title: 'The parked message is not known', retryable: false },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here', retryable: false },
  'request-timeout': { status: 408, title: 'The request did not arrive in time', retryable: true },
  'sold-out': { status: 409, title: 'Sold out', retryable: true },
  'shopper-limit': { status: 409, title: "The shopper's limit is reached", retryable: false },
  'sale-not-open': { status: 409, title: 'The sale is not open', retryable: true },
  'sale-closed': { status: 409, title: 'The sale is closed', retryable: false },
  'sale-exists': { status: 409, title: 'A sale with this id exists already', retryable: false },
  'product-on-sale': { status: 409, title: 'The product is in another open sale', retryable: false },
  'invalid-transition': {
    status: 409,
    title: 'The sale cannot go to this state from where it is',
    retryable: false,
  },
  'insufficient-stock': {
    status: 409,
    title: 'Fewer units are available than were to be withdrawn',
    retryable: false,
  },
  'insufficient-memory': {
    status: 409,
    title: 'The sale does not fit in the memory of Redis',
    retryable: false,
  },
  'replay-first': {
    status: 409,
    title: 'The database is behind the gate and must be replayed first',
    retryable: false,
  },
  'gate-unsafe': { status: 409, title: 'A key of the gate holds foreign data', retryable: false },
  'not-cancellable': { status: 409, title: 'The order cannot be cancelled any more', retryable: false },
  'not-confirmed': { status: 409, title: 'The order is not confirmed yet', retryable: true },
  'refund-due': { status: 409, title: 'The payment came too late and is to be refunded', retryable: false },
  'still-unprocessable': { status: 409, title: 'The message still cannot be processed', retryable: false },
  'message-resolved': { status: 409, title: 'The message was resolved before', retryable: false },
  'sale-running': { status: 409, title: 'The sale has not ended yet', retryable: true },
  'payload-too-large': { status: 413, title: 'The body is too large', retryable: false },
  'uri-too-long': { status: 414, title: 'The address is too long', retryable: false },
  'unsupported-media-type': { status: 415, title: 'The content type is not supported', retryable: false },
  'idempotency-key-reused': { status: 422, title: 'The key was used for another payload', retryable: false },
  'rate-limited': { status: 429, title: 'Too many requests', retryable: true },
  'waiting-room': { status: 429, title: 'There is a waiting room in front of the sale', retryable: true },
  'headers-too-large': { status: 431, title: 'The headers are too large', retryable: false },
  'internal-error': { status: 500, title: 'Something broke', retryable: true },
  'not-ready': { status: 503, title: 'The item is not ready', retryable: true },
  'temporarily-unavailable': { status: 503, title: 'Temporarily unavailable', retryable: true },
  'outcome-unknown': { status: 503, title: 'The outcome is not known', retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

export type ErrorCode = keyof typeof ERRORS;

/** One field that is wrong, by its JSON pointer (RFC 6901). Never echoes the value. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/** RFC 9457, with our `code`, `requestId` and, for a 400, `errors`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
}

export interface ProblemExtra {
  readonly errors?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
  /** Where to go on from here: more members of the answer, by name. */
  readonly links?: Readonly<Record<string, string>>;
}

/** One of the table's errors as a value, for refusals that a crowd gets: an Error costs 5 us more, for its stack. */
export type Refusal = Pick<ProblemError, 'code' | 'detail' | 'extra'>;

/** Thrown where a request ends in one of the table's errors; the edge renders it. */
export class ProblemError extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    readonly extra: ProblemExtra = {},
  ) {
    super(detail);
    this.name = 'ProblemError';
  }
}

export function problemOf(error: Refusal, requestId: string): Problem {
  const { status, title } = ERRORS[error.code];
  return {
    type: `https://flux-gate.dev/errors/${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.detail,
    ...error.extra.links,
    requestId,
    ...(error.extra.errors === undefined ? {} : { errors: error.extra.errors }),
  };
}
