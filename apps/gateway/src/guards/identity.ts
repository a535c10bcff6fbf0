import { createSecretKey, type KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { shopperIdSchema } from '@flux/contracts';
import { errors, jwtVerify } from 'jose';
import type { GatewayConfig } from '../gateway.config';

/** Injection token of the process's way to tell shoppers apart. */
export const IDENTITY = Symbol('gateway.identity');

/** Clocks of shop and gateway may differ by so much. */
const CLOCK_LEEWAY_SECONDS = 5;

/** Who sends a request: first as claimed, at no cost, then as proven. */
export interface Identity {
  /** The shopper that the headers name, unproven; undefined where they name none. */
  claimed(headers: IncomingHttpHeaders): string | undefined;
  /** The shopper that the headers prove; undefined where they prove none. */
  verified(headers: IncomingHttpHeaders): string | undefined | Promise<string | undefined>;
}

export function createIdentity(config: GatewayConfig): Identity {
  return config.FLUX_AUTH === 'demo' ? new DemoIdentity() : new JwtIdentity(config);
}

/** For demonstrations: the header `x-shopper-id` is believed. */
class DemoIdentity implements Identity {
  claimed(headers: IncomingHttpHeaders): string | undefined {
    return shopperIn(headers['x-shopper-id']);
  }

  verified(headers: IncomingHttpHeaders): string | undefined {
    return this.claimed(headers);
  }
}

/** The `sub` of an HS256 token in `Authorization: Bearer`. The token must have an `exp`, and its algorithm is pinned. */
class JwtIdentity implements Identity {
  private readonly key: KeyObject;
  private readonly expected: { readonly issuer?: string; readonly audience?: string };

  constructor(config: Pick<GatewayConfig, 'FLUX_JWT_SECRET' | 'FLUX_JWT_ISSUER' | 'FLUX_JWT_AUDIENCE'>) {
    this.key = createSecretKey(Buffer.from(config.FLUX_JWT_SECRET));
    this.expected = {
      ...(config.FLUX_JWT_ISSUER === '' ? {} : { issuer: config.FLUX_JWT_ISSUER }),
      ...(config.FLUX_JWT_AUDIENCE === '' ? {} : { audience: config.FLUX_JWT_AUDIENCE }),
    };
  }

  claimed(headers: IncomingHttpHeaders): string | undefined {
    const payload = bearerToken(headers)?.split('.')[1];
    return payload === undefined ? undefined : shopperIn(subjectOf(payload));
  }

  async verified(headers: IncomingHttpHeaders): Promise<string | undefined> {
    const token = bearerToken(headers);
    if (token === undefined) return undefined;
    try {
      const { payload } = await jwtVerify(token, this.key, {
        ...this.expected,
        algorithms: ['HS256'],
        requiredClaims: ['exp', 'sub'],
        clockTolerance: CLOCK_LEEWAY_SECONDS,
      });
      return shopperIn(payload.sub);
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
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
