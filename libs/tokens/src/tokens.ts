import { createHmac, timingSafeEqual } from 'node:crypto';
import { decodeToken, encodeFields, encodeToken } from './token-codec';
import { KEY_ID_PATTERN, randomTokenKey, type TokenKey } from './token-keys';

export interface NewToken {
  /** What the token is for: `verify` takes a token of its own type alone. */
  readonly type: string;
  /** Texts of at most 255 bytes, in an order that belongs to the type. */
  readonly fields: readonly string[];
  readonly lifetimeMs: number;
}

export type VerifiedToken =
  | {
      readonly outcome: 'valid';
      readonly fields: readonly string[];
      readonly expiresAtMs: number;
      /** Where not, its key is on its way out: whoever keeps the token for long should be given another. */
      readonly isSignedByFirstKey: boolean;
    }
  /** Not a token of ours: too long, other characters, fields that do not add up. */
  | { readonly outcome: 'malformed' }
  | { readonly outcome: 'unknownKey' }
  | { readonly outcome: 'forged' }
  | { readonly outcome: 'otherType' }
  /** Genuine all the same. */
  | { readonly outcome: 'expired'; readonly fields: readonly string[] };

/** The clocks of two gateways may differ by so much. */
const CLOCK_LEEWAY_MS = 5_000;

const EXPIRY_PATTERN = /^[1-9]\d{0,15}$/;

/**
 * Flux-Gate's own tokens: base64url of key id, type, expiry and fields, each behind its length, and their
 * HMAC-SHA256. Signed, not encrypted: whoever holds a token can read it.
 *
 * To replace a key: add the new one in the second place everywhere, then swap the two, then drop the old one once the
 * longest lifetime has passed.
 */
export class Tokens {
  private readonly signing: TokenKey;
  private readonly keys: ReadonlyMap<string, TokenKey>;

  /** @param keys the first signs, all verify; where there is none, one that no other process has */
  constructor(
    keys: readonly TokenKey[],
    private readonly now: () => number = Date.now,
  ) {
    this.signing = keys[0] ?? randomTokenKey();
    this.keys = new Map([this.signing, ...keys].map((key) => [key.id, key]));
  }

  /** @throws RangeError for a field of more than 255 bytes */
  sign({ type, fields, lifetimeMs }: NewToken): string {
    const expiresAtMs = String(Math.ceil(this.now() + lifetimeMs));
    const content = encodeFields([this.signing.id, type, expiresAtMs, ...fields]);
    return encodeToken(content, signatureOf(content, this.signing));
  }

  /** Whatever the text is: it never throws. Signatures are compared in constant time. */
  verify(text: string, type: string): VerifiedToken {
    const token = decodeToken(text);
    const [keyId, givenType, expiry, ...fields] = token?.fields ?? [];
    if (token === undefined || keyId === undefined || !KEY_ID_PATTERN.test(keyId)) {
      return { outcome: 'malformed' };
    }
    if (expiry === undefined || !EXPIRY_PATTERN.test(expiry)) return { outcome: 'malformed' };
    const key = this.keys.get(keyId);
    if (key === undefined) return { outcome: 'unknownKey' };
    if (!timingSafeEqual(signatureOf(token.content, key), token.signature)) return { outcome: 'forged' };
    if (givenType !== type) return { outcome: 'otherType' };
    const expiresAtMs = Number(expiry);
    if (this.now() >= expiresAtMs + CLOCK_LEEWAY_MS) return { outcome: 'expired', fields };
    return { outcome: 'valid', fields, expiresAtMs, isSignedByFirstKey: keyId === this.signing.id };
  }
}

function signatureOf(content: Buffer, { secret }: TokenKey): Buffer {
  return createHmac('sha256', secret).update(content).digest();
}
