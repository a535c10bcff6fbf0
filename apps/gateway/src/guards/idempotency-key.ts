import { IDEMPOTENCY_KEY_PATTERN } from '@flux/contracts';
import type { IncomingHttpHeaders } from 'node:http';

/** A structured-field string (RFC 9651) without escapes, as the IETF draft on the header has it. */
const QUOTED = /^"([^"\\]*)"$/;

export type KeyReading =
  | { readonly outcome: 'key'; readonly key: string }
  | { readonly outcome: 'refused'; readonly detail: string };

/**
 * The idempotency key from `Idempotency-Key` or `x-idempotency-key`, in quotes or not. Sent under both names it must
 * be the same; sent twice under one name it is refused, for Node would join the two.
 */
export function readIdempotencyKey(headers: IncomingHttpHeaders): KeyReading {
  const given = [headers['idempotency-key'], headers['x-idempotency-key']].filter(
    (value) => value !== undefined,
  );
  if (given.length === 0) return refused('Send an Idempotency-Key header.');
  const keys = new Set(given.map((value) => unquoted(String(value))));
  const [key = ''] = keys;
  if (keys.size > 1) return refused('Idempotency-Key and x-idempotency-key differ.');
  if (!IDEMPOTENCY_KEY_PATTERN.test(key)) {
    return refused('The key must be sent once and match [A-Za-z0-9_-]{16,64}.');
  }
  return { outcome: 'key', key };
}

function unquoted(value: string): string {
  return QUOTED.exec(value)?.[1] ?? value;
}

function refused(detail: string): KeyReading {
  return { outcome: 'refused', detail };
}
