import { Injectable } from '@nestjs/common';
import { fingerprintOf, orderIdOf, type ItemRef } from '@flux/contracts';
import { GateClient, GateUnavailableError, type ReserveOutcome } from '@flux/gate';
import type { PurchaseWish } from '../guards/request-facts';
import { SoldOutShield } from '../guards/sold-out.shield';
import { SaleDirectory } from '../sales/sale-directory';
import type { PurchaseOutcome } from './purchase-answer';
import { PurchaseMetrics } from './purchase.metrics';
import { SaleRoutes, type Route } from './sale-routes';

/** A product may change its sale while a request is under way; more than once is no accident. */
const MAX_MOVES = 2;

/** Takes a verified shopper's wish to the gate: route, order id, one shared script call. */
@Injectable()
export class PurchaseService {
  constructor(
    private readonly gate: GateClient,
    private readonly routes: SaleRoutes,
    private readonly directory: SaleDirectory,
    private readonly shield: SoldOutShield,
    private readonly metrics: PurchaseMetrics,
  ) {}

  /** Never rejects for what Redis does: that is an outcome. */
  async buy(wish: PurchaseWish, shopperId: string): Promise<PurchaseOutcome> {
    const startedAtMs = performance.now();
    const outcome = await this.decide(wish, shopperId).catch((error: unknown): PurchaseOutcome => {
      // Only lookups throw it: nothing was bought.
      if (error instanceof GateUnavailableError) return { outcome: 'unavailable', reason: error.reason };
      throw error;
    });
    this.metrics.decided(outcome.outcome, performance.now() - startedAtMs);
    return outcome;
  }

  private async decide(wish: PurchaseWish, shopperId: string): Promise<PurchaseOutcome> {
    for (let moves = 0; moves <= MAX_MOVES; moves += 1) {
      const route = await this.routes.find(wish.productId, wish.saleId);
      if (route.outcome !== 'sale') return this.withoutSale(route);
      const item = { saleId: route.saleId, productId: wish.productId };
      const outcome = await this.reserve(item, wish, shopperId);
      if (outcome.outcome === 'notReady') return this.explained(item);
      if (outcome.outcome !== 'moved') return outcome;
      this.routes.moved(item.productId, outcome.saleId);
    }
    return { outcome: 'unavailable', reason: 'the product keeps changing its sale' };
  }

  private async reserve(item: ItemRef, wish: PurchaseWish, shopperId: string): Promise<ReserveOutcome> {
    const { quantity, idempotencyKey } = wish;
    const orderId = orderIdOf({ ...item, shopperId, idempotencyKey });
    const askedAtMs = performance.now();
    const outcome = await this.gate.reserve({
      ...item,
      orderId,
      shopperId,
      quantity,
      fingerprint: fingerprintOf({ ...item, quantity }),
      saleNamed: wish.saleId !== undefined,
    });
    this.shield.learn(item, outcome, askedAtMs);
    if (wish.saleId === undefined && confirmsSale(outcome)) {
      this.routes.confirm(item.productId, item.saleId, askedAtMs);
    }
    return outcome;
  }

  private async withoutSale(route: Exclude<Route, { outcome: 'sale' }>): Promise<PurchaseOutcome> {
    if (route.outcome !== 'noSale') return route;
    const states = await Promise.all(route.saleIds.map((saleId) => this.directory.phaseOf(saleId)));
    // A sale that was opened and not retired must be at the gate: where it is not, it waits for a rebuild.
    if (states.some(({ phase }) => phase === 'running' || phase === 'unknown'))
      return { outcome: 'notReady' };
    const next = states.find(({ phase }) => phase === 'scheduled');
    return next === undefined
      ? { outcome: 'closed' }
      : { outcome: 'notOpen', reason: 'early', opensInMs: next.opensInMs };
  }

  /** The gate has no such item: not yet, no longer, or not at the moment. */
  private async explained({ saleId }: ItemRef): Promise<PurchaseOutcome> {
    const { phase, opensInMs } = await this.directory.phaseOf(saleId);
    switch (phase) {
      case 'scheduled':
        return { outcome: 'notOpen', reason: 'early', opensInMs };
      case 'retired':
        return { outcome: 'closed' };
      case 'running':
      case 'unknown':
        return { outcome: 'notReady' };
    }
  }
}

/** Outcomes that the script reaches only after it has compared the sale with the product's current one. */
function confirmsSale({ outcome }: ReserveOutcome): boolean {
  return ['accepted', 'soldOut', 'shopperLimit', 'notOpen', 'closed'].includes(outcome);
}
