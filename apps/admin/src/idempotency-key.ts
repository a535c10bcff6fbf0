import { IDEMPOTENCY_KEY_PATTERN, ProblemError } from '@flux/contracts';
import { ApiHeader } from '@nestjs/swagger';

export const KEY_HEADER = 'idempotency-key';

/**
 * The key of an `Idempotency-Key` header, also in the quotes of the IETF draft; undefined where none was sent.
 * @throws ProblemError `invalid-idempotency-key`
 */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, key = header] = /^"(.*)"$/.exec(header) ?? [];
  if (IDEMPOTENCY_KEY_PATTERN.test(key)) return key;
  throw new ProblemError('invalid-idempotency-key', 'Idempotency-Key must be 16 to 64 of [A-Za-z0-9_-].');
}

/** Documents the header. */
export function ApiIdempotencyKey(): MethodDecorator {
  return ApiHeader({
    name: 'Idempotency-Key',
    required: false,
    description: '16 to 64 of `[A-Za-z0-9_-]`',
  });
}
