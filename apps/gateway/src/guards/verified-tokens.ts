import { hash } from 'node:crypto';

/** About 200 bytes each: 20 MB at most. */
const MAX_TOKENS = 100_000;

interface VerifiedTokensOptions {
  /** A token is good for so long after its expiry, as it is for whoever verifies it. */
  readonly leewayMs: number;
  readonly max?: number;
}

export interface VerifiedToken {
  readonly shopper: string;
  readonly expiresAtMs: number;
}

/**
 * Tokens whose signature was found good, until they expire: a shopper's next request costs a hash. They are known by their
 * SHA-256, so that no token lies in memory; once there are too many, the one that came first is verified again.
 */
export class VerifiedTokens {
  private readonly tokens = new Map<string, VerifiedToken>();
  private readonly leewayMs: number;
  private readonly max: number;

  constructor({ leewayMs, max = MAX_TOKENS }: VerifiedTokensOptions) {
    this.leewayMs = leewayMs;
    this.max = max;
  }

  get size(): number {
    return this.tokens.size;
  }

  /** The shopper of a token that was added and has not expired. */
  find(token: string): string | undefined {
    const digest = digestOf(token);
    const found = this.tokens.get(digest);
    if (found === undefined) return undefined;
    if (Date.now() < found.expiresAtMs + this.leewayMs) return found.shopper;
    this.tokens.delete(digest);
    return undefined;
  }

  add(token: string, verified: VerifiedToken): void {
    const [oldest] = this.tokens.keys();
    if (oldest !== undefined && this.tokens.size >= this.max) this.tokens.delete(oldest);
    this.tokens.set(digestOf(token), verified);
  }

  forget(): void {
    this.tokens.clear();
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}
