import { Injectable } from '@nestjs/common';
import type { Refusal } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { soldOut } from '../orders/purchase-answer';
import { PurchaseMetrics } from '../orders/purchase.metrics';
import { RefusalCounts } from '../orders/refusal-counts';
import { SaleRoutes } from '../orders/sale-routes';
import { CheckGuard } from './check.guard';
import { factOf } from './request-facts';
import { SoldOutShield } from './sold-out.shield';

/** Is the item known to be sold out? 409 from memory, before any signature is checked; else the request goes on. */
@Injectable()
export class SoldOutGuard extends CheckGuard {
  constructor(
    private readonly shield: SoldOutShield,
    private readonly routes: SaleRoutes,
    private readonly metrics: PurchaseMetrics,
    private readonly refusals: RefusalCounts,
  ) {
    super();
  }

  override check(request: FastifyRequest): Refusal | undefined {
    const { productId, saleId: named } = factOf(request, 'wish');
    const saleId = named ?? this.routes.confirmed(productId);
    if (saleId === undefined) return undefined;
    if (!this.shield.refuses({ saleId, productId }, factOf(request, 'claimedShopper'))) return undefined;
    this.metrics.refusedLocally('soldOutLocally');
    const refusal = soldOut();
    this.refusals.count(saleId, refusal.code);
    return refusal;
  }
}
