import type { PurchaseBody } from '@flux/contracts';
import type { Taking } from '@flux/rate-limit';
import type { FastifyRequest } from 'fastify';

/** What a shopper asks for, validated. */
export interface PurchaseWish extends PurchaseBody {
  readonly idempotencyKey: string;
  /** The header `x-pass` as it was sent. */
  readonly pass: string | undefined;
}

/** Who follows an order: whoever holds its ticket, or a shopper, whose order it must be. */
export type OrderReader =
  { readonly kind: 'ticket' } | { readonly kind: 'shopper'; readonly shopperId: string };

/** What the guards found out about a request, each its part. */
export interface RequestFacts {
  wish?: PurchaseWish;
  /** Who the caller claims to be: good for routing, not yet for buying. */
  claimedShopper?: string;
  /** Who the caller is. */
  shopper?: string;
  /** How the request stands with each limit, in the order in which they were asked. */
  takings?: readonly Taking[];
  /** By what right the caller follows the order. */
  reader?: OrderReader;
}

declare module 'fastify' {
  interface FastifyRequest {
    facts?: RequestFacts;
  }
}

export function factsOf(request: FastifyRequest): RequestFacts {
  return (request.facts ??= {});
}

/** A fact that a guard earlier in the route has set; its absence is a route without that guard. */
export function factOf<Name extends keyof RequestFacts>(
  request: FastifyRequest,
  name: Name,
): NonNullable<RequestFacts[Name]> {
  const fact = request.facts?.[name];
  if (fact === undefined) throw new Error(`no guard of this route has set "${name}"`);
  return fact;
}
