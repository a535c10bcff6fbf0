import { createPublicKey } from 'node:crypto';
import type { Log } from '@flux/telemetry';
import { createLocalJWKSet, errors, type CryptoKey, type JWK, type JWSHeaderParameters } from 'jose';

/** A key that the shop takes back is out of use after this long, and its tokens with it. */
const REFRESH_MS = 300_000;
const TIMEOUT_MS = 3_000;
const MIN_RSA_BITS = 2_048;

interface PublishedKeysOptions {
  readonly url: string;
  /** Least pause between two looks. */
  readonly cooldownMs: number;
  readonly log: Log;
  /** Called whenever other keys are found than were known. */
  readonly onChange: () => void;
}

/** Whether a key is good cannot be told: the shop's keys could not be read. */
export class KeysUnknownError extends Error {
  constructor(readonly retryAfterSeconds: number) {
    super('the keys of the shop cannot be read');
    this.name = 'KeysUnknownError';
  }
}

/**
 * The public keys of a JSON Web Key Set. Read at the start, every five minutes, and when a token names a key that is not
 * known; never more often than once in the cool-down. While the set cannot be read the keys read last go on.
 */
export class PublishedKeys {
  private find: ReturnType<typeof createLocalJWKSet> | undefined;
  private text = '';
  private lookedAt = -Infinity;
  private looking: Promise<void> | undefined;
  private failed = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PublishedKeysOptions) {}

  /** Begins to read the set, now and from time to time. */
  follow(): void {
    void this.look();
    this.timer = setInterval(() => void this.look(), REFRESH_MS).unref();
  }

  close(): void {
    clearInterval(this.timer);
  }

  /**
   * The key that a token names; one that is not known may be new. `kid` is compared, and nothing else is done with it.
   * @throws JOSEError where the set has no such key, KeysUnknownError where it could not be read
   */
  async keyOf(header: JWSHeaderParameters): Promise<CryptoKey> {
    const known = await this.known(header);
    if (known !== undefined) return known;
    if (this.looking === undefined && this.cooldownLeftMs() > 0) return this.refuse();
    await this.look();
    return (await this.known(header)) ?? this.refuse();
  }

  private async known(header: JWSHeaderParameters): Promise<CryptoKey | undefined> {
    try {
      return await this.find?.(header);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return undefined;
      throw error;
    }
  }

  /** A set that was read lacks the key; one that was not may have it. */
  private refuse(): never {
    if (this.find !== undefined && !this.failed) throw new errors.JWKSNoMatchingKey();
    throw new KeysUnknownError(Math.max(1, Math.ceil(this.cooldownLeftMs() / 1_000)));
  }

  private cooldownLeftMs(): number {
    return this.lookedAt + this.options.cooldownMs - performance.now();
  }

  /** Whoever comes meanwhile waits for the look that is under way. */
  private look(): Promise<void> {
    this.looking ??= this.read().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async read(): Promise<void> {
    const { url, log, onChange } = this.options;
    this.lookedAt = performance.now();
    try {
      const answer = await fetch(url, {
        redirect: 'error',
        headers: { accept: 'application/jwk-set+json, application/json' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      if (text !== this.text) {
        this.find = createLocalJWKSet({ keys: usableKeys(text) });
        this.text = text;
        onChange();
      }
      if (this.failed) log.info('the keys of FLUX_JWKS_URL are read again');
      this.failed = false;
    } catch (error) {
      this.failed = true;
      const going = this.find === undefined ? 'no shopper can be told' : 'those known go on';
      log.warn({ err: error }, `the keys of FLUX_JWKS_URL cannot be read: ${going}`);
    }
  }
}

/**
 * Those that can verify and are as long as the algorithms ask for: `jose` takes a weak key for a mistake of ours.
 * @throws Error where the text is no set with such a key
 */
function usableKeys(text: string): JWK[] {
  const { keys } = JSON.parse(text) as { readonly keys?: unknown };
  const usable = Array.isArray(keys) ? (keys as JWK[]).filter(isUsable) : [];
  if (usable.length === 0) throw new Error('it has no key that can verify a token');
  return usable;
}

function isUsable(jwk: JWK): boolean {
  if ('d' in jwk || 'k' in jwk) return false;
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: jwk, format: 'jwk' });
    return (asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS) >= MIN_RSA_BITS;
  } catch {
    return false;
  }
}
