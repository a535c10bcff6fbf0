import { Injectable } from '@nestjs/common';
import type { Refusal } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { CheckGuard } from '../guards/check.guard';
import { factOf } from '../guards/request-facts';
import { PurchaseMetrics } from '../orders/purchase.metrics';
import { RefusalCounts } from '../orders/refusal-counts';
import { SaleRoutes } from '../orders/sale-routes';
import { Entrance } from './entrance';

/**
 * Is a waiting room known to be in front of the sale? 429 from memory, or 302 to its page for a browser, before any
 * signature of a shopper is checked; else the request goes on.
 */
@Injectable()
export class RoomGuard extends CheckGuard {
  constructor(
    private readonly entrance: Entrance,
    private readonly routes: SaleRoutes,
    private readonly metrics: PurchaseMetrics,
    private readonly refusals: RefusalCounts,
  ) {
    super();
  }

  override check(request: FastifyRequest): Refusal | undefined {
    const { productId, saleId: named, pass } = factOf(request, 'wish');
    const saleId = named ?? this.routes.confirmed(productId);
    if (saleId === undefined) return undefined;
    const shopperId = factOf(request, 'claimedShopper');
    const refusal = this.entrance.refusal({ saleId, productId, shopperId, pass });
    if (refusal === undefined) return undefined;
    this.metrics.refusedLocally('waitingRoomLocally');
    this.refusals.count(saleId, refusal.code);
    return refusal;
  }
}
