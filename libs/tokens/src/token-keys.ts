import { createSecretKey, randomBytes, type KeyObject } from 'node:crypto';

/** A key that signs tokens. As a KeyObject it never appears in a log or in JSON. */
export interface TokenKey {
  readonly id: string;
  readonly secret: KeyObject;
}

export const KEY_ID_PATTERN = /^[A-Za-z0-9_-]{1,16}$/;

/** HMAC-SHA256 is as strong as its key: RFC 2104 asks for one as long as the digest. */
const MIN_SECRET_BYTES = 32;

/** One that signs, and one that is on its way in or out. */
const MAX_KEYS = 2;

/**
 * Keys from `<key id>:<secret>`, one or two separated by commas; none from an empty text.
 * @returns undefined where the text has another form, a secret is shorter than 32 bytes, or both have one id
 */
export function parseTokenKeys(text: string): readonly TokenKey[] | undefined {
  if (text === '') return [];
  const keys = text.split(',').map((entry) => tokenKeyOf(entry.trim()));
  const ids = new Set(keys.map((key) => key?.id));
  if (keys.length > MAX_KEYS || ids.size < keys.length) return undefined;
  return keys.every((key) => key !== undefined) ? keys : undefined;
}

/** A key that this process alone has: no other process takes its tokens, nor does this one after a restart. */
export function randomTokenKey(): TokenKey {
  return {
    id: randomBytes(12).toString('base64url'),
    secret: createSecretKey(randomBytes(MIN_SECRET_BYTES)),
  };
}

function tokenKeyOf(entry: string): TokenKey | undefined {
  const separator = entry.indexOf(':');
  const id = entry.slice(0, Math.max(0, separator));
  const secret = Buffer.from(entry.slice(separator + 1));
  if (!KEY_ID_PATTERN.test(id) || secret.length < MIN_SECRET_BYTES) return undefined;
  return { id, secret: createSecretKey(secret) };
}
