import { Injectable } from '@nestjs/common';
import type { Refusal } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { AccessLists } from '../access/access-lists';
import { CheckGuard } from '../guards/check.guard';
import { factOf } from '../guards/request-facts';
import { SaleRoutes } from '../orders/sale-routes';
import { Rooms } from '../waiting-room/rooms.service';
import { noteTaking } from './limit-answer';
import { RateLimits } from './rate-limits';

/** Has the shopper tried to buy in this sale more often than it allows? Sales of the default have no such limit. */
@Injectable()
export class PurchaseLimitGuard extends CheckGuard {
  constructor(
    private readonly limits: RateLimits,
    private readonly access: AccessLists,
    private readonly routes: SaleRoutes,
    private readonly rooms: Rooms,
  ) {
    super();
  }

  override check(request: FastifyRequest): Refusal | undefined {
    const { productId, saleId: named } = factOf(request, 'wish');
    const saleId = named ?? this.routes.confirmed(productId);
    const attempts = saleId === undefined ? undefined : this.rooms.known(saleId)?.config?.shopperAttempts;
    if (saleId === undefined || attempts === undefined) return undefined;
    const shopperId = factOf(request, 'shopper');
    if (this.access.ofShopper(shopperId) === 'allow') return undefined;
    const policy = { name: 'sale-shopper', burst: attempts.limit, isDryRun: false, ...attempts };
    return noteTaking(
      request,
      this.limits.ofBuyer(saleId, shopperId, policy),
      'Too many purchases of this shopper.',
    );
  }
}
