import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { soldOutProblem } from '../orders/purchase-answer';
import { PurchaseMetrics } from '../orders/purchase.metrics';
import { RefusalCounts } from '../orders/refusal-counts';
import { SaleRoutes } from '../orders/sale-routes';
import { factOf } from './request-facts';
import { SoldOutShield } from './sold-out.shield';

/** Is the item known to be sold out? 409 from memory, before any signature is checked; else the request goes on. */
@Injectable()
export class SoldOutGuard implements CanActivate {
  constructor(
    private readonly shield: SoldOutShield,
    private readonly routes: SaleRoutes,
    private readonly metrics: PurchaseMetrics,
    private readonly refusals: RefusalCounts,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { productId, saleId: named } = factOf(request, 'wish');
    const saleId = named ?? this.routes.confirmed(productId);
    if (saleId === undefined) return true;
    if (!this.shield.refuses({ saleId, productId }, factOf(request, 'claimedShopper'))) return true;
    this.metrics.refusedLocally();
    const problem = soldOutProblem();
    this.refusals.count(saleId, problem.code);
    throw problem;
  }
}
