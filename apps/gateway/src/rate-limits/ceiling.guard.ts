import { Injectable } from '@nestjs/common';
import type { Refusal } from '@flux/contracts';
import { jitteredSeconds } from '@flux/http';
import type { FastifyRequest } from 'fastify';
import { CheckGuard } from '../guards/check.guard';
import { factOf } from '../guards/request-facts';
import { SaleRoutes } from '../orders/sale-routes';
import { Entrance } from '../waiting-room/entrance';
import { RateLimits } from './rate-limits';

/**
 * Is more bought at once, over all sales and gateways, than the installation can take? Then the sale's waiting room goes
 * on, where it may, and the shopper is sent to its line; else 503. Whoever was called from the line goes on.
 */
@Injectable()
export class CeilingGuard extends CheckGuard {
  constructor(
    private readonly limits: RateLimits,
    private readonly entrance: Entrance,
    private readonly routes: SaleRoutes,
  ) {
    super();
  }

  override check(request: FastifyRequest): Refusal | undefined {
    if (!this.limits.hasCeiling) return undefined;
    const { productId, saleId: named, pass } = factOf(request, 'wish');
    const saleId = named ?? this.routes.confirmed(productId);
    const shopperId = factOf(request, 'claimedShopper');
    const comer = saleId === undefined ? undefined : { saleId, productId, shopperId, pass };
    if (comer !== undefined && this.entrance.isCalled(comer)) return undefined;
    const taking = this.limits.ofPurchase();
    if (taking?.outcome !== 'refused') return undefined;
    return (comer && this.entrance.overflow(comer)) ?? tooMany(taking.resetMs);
  }
}

function tooMany(resetMs: number): Refusal {
  return {
    code: 'temporarily-unavailable',
    detail: 'More is being bought than can be handled. Nothing was bought.',
    extra: { retryAfterSeconds: jitteredSeconds(Math.max(1, Math.ceil(resetMs / 1_000))) },
  };
}
