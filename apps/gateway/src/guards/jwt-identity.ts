import type { KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { ProblemError, shopperIdSchema } from '@flux/contracts';
import type { Log } from '@flux/telemetry';
import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import type { Identity } from './identity';
import { algorithmsOf, type IdentityConfig } from './identity.settings';
import { KeysUnknownError, PublishedKeys } from './published-keys';
import { VerifiedTokens } from './verified-tokens';

/** Clocks of shop and gateway may differ by so much. */
const CLOCK_LEEWAY_SECONDS = 5;

/**
 * The `sub` of a token in `Authorization: Bearer`, signed with the shop's secret or with a key that it publishes. A token
 * must have an `exp`, its algorithm is pinned, and it is verified once: then it is known until it expires, or until the
 * shop's keys change.
 */
export class JwtIdentity implements Identity, OnModuleInit, OnModuleDestroy {
  private readonly known = new VerifiedTokens({ leewayMs: CLOCK_LEEWAY_SECONDS * 1_000 });
  private readonly secrets: readonly KeyObject[];
  private readonly published: PublishedKeys | undefined;
  private readonly rules: JWTVerifyOptions;

  constructor(config: Omit<IdentityConfig, 'FLUX_AUTH'>, log: Log) {
    this.secrets = config.FLUX_JWT_SECRET;
    if (config.FLUX_JWKS_URL !== '') {
      this.published = new PublishedKeys({
        url: config.FLUX_JWKS_URL,
        cooldownMs: config.FLUX_JWKS_COOLDOWN_MS,
        log,
        onChange: () => {
          this.known.forget();
        },
      });
    }
    this.rules = {
      algorithms: algorithmsOf(config),
      requiredClaims: ['exp', 'sub'],
      clockTolerance: CLOCK_LEEWAY_SECONDS,
      ...(config.FLUX_JWT_ISSUER === '' ? {} : { issuer: config.FLUX_JWT_ISSUER }),
      ...(config.FLUX_JWT_AUDIENCE === '' ? {} : { audience: config.FLUX_JWT_AUDIENCE }),
    };
  }

  onModuleInit(): void {
    this.published?.follow();
  }

  onModuleDestroy(): void {
    this.published?.close();
  }

  claimed(headers: IncomingHttpHeaders): string | undefined {
    const payload = bearerToken(headers)?.split('.')[1];
    return payload === undefined ? undefined : shopperIn(subjectOf(payload));
  }

  verified(headers: IncomingHttpHeaders): string | undefined | Promise<string | undefined> {
    const token = bearerToken(headers);
    if (token === undefined) return undefined;
    return this.known.find(token) ?? this.verify(token);
  }

  private async verify(token: string): Promise<string | undefined> {
    try {
      const { sub, exp } = await this.claimsOf(token);
      const shopper = shopperIn(sub);
      if (shopper !== undefined && exp !== undefined)
        this.known.add(token, { shopper, expiresAtMs: exp * 1_000 });
      return shopper;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      if (error instanceof KeysUnknownError) {
        throw new ProblemError('temporarily-unavailable', 'The credentials cannot be checked now.', {
          retryAfterSeconds: error.retryAfterSeconds,
        });
      }
      throw error;
    }
  }

  /** @throws JOSEError, or KeysUnknownError */
  private async claimsOf(token: string): Promise<JWTPayload> {
    const { published, rules, secrets } = this;
    if (published !== undefined) {
      return (await jwtVerify(token, (header) => published.keyOf(header), rules)).payload;
    }
    const [first, second] = secrets;
    if (first === undefined) throw new Error('there is neither a secret nor an address of keys');
    try {
      return (await jwtVerify(token, first, rules)).payload;
    } catch (error) {
      if (second === undefined || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      return (await jwtVerify(token, second, rules)).payload;
    }
  }
}

function bearerToken({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i.exec(authorization ?? '')?.[1];
}

/** `sub` of a token's payload, which nobody has verified yet. */
function subjectOf(payload: string): unknown {
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as unknown;
    return typeof claims === 'object' && claims !== null && 'sub' in claims ? claims.sub : undefined;
  } catch {
    return undefined;
  }
}

function shopperIn(value: unknown): string | undefined {
  return shopperIdSchema.safeParse(value).data;
}
