import { setTimeout as pause } from 'node:timers/promises';
import type { OrderStatus } from '@flux/contracts';
import { orderIdOf, type Answer, type Attempt } from '../../e2e/support/crowd';
import type { ShopBackend } from '../../e2e/support/shop-backend';
import type { Intent } from '../plan';
import type { Random } from '../random';
import type { History, OrderOf, StatusAnswer } from './history';

export interface ShopperContext {
  readonly history: History;
  readonly gatewayUrls: readonly string[];
  readonly shop: ShopBackend;
  readonly random: Random;
  /** The load is over: nobody begins anything new. */
  readonly isOver: () => boolean;
  /** Resolves when it is. */
  readonly over: Promise<void>;
}

const PRICE_MINOR = 12_900;

/** One shopper with one wish, from the first attempt to the end of its fate. Never throws. */
export class ShopperSession {
  private readonly attempt: Attempt;

  constructor(
    private readonly intent: Intent,
    private readonly context: ShopperContext,
  ) {
    const { number, productId, shopperId, quantity, saleId } = intent;
    const idempotencyKey = `key-${String(number).padStart(12, '0')}`;
    this.attempt = { productId, shopperId, idempotencyKey, quantity, saleId };
  }

  async live(): Promise<void> {
    const answer = await this.buy();
    if (answer?.status !== 202) return;
    const order = { orderId: orderIdOf(answer), shopperId: this.intent.shopperId };
    await Promise.all([this.watch(order), this.fate(order)]);
  }

  /** Again and again with the same key, until the outcome is known or the load is over. */
  private async buy(): Promise<Answer | undefined> {
    if (this.intent.fate === 'hurry') await Promise.all(this.gateways.map((url) => this.buyAt(url)));
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.buyAt(this.gateway);
      const isKnown = answer !== undefined && answer.status !== 503 && answer.status !== 429;
      if (isKnown || this.context.isOver()) return answer;
      await this.backOff(attempt);
    }
  }

  private async buyAt(url: string, attempt = this.attempt): Promise<Answer | undefined> {
    return this.context.history.buy(url, attempt);
  }

  private async watch(order: OrderOf): Promise<void> {
    if (!this.intent.isWatched) return;
    for (let everyMs = 60; !this.context.isOver(); everyMs = Math.min(everyMs * 1.6, 1_500)) {
      const answer = await this.look(order);
      // What has ended can still be paid late, so it is looked at all the same, seldom.
      if (answer?.orderStatus === 'paid') return;
      await this.pause(everyMs, everyMs * 1.5);
    }
  }

  private async fate(order: OrderOf): Promise<void> {
    const { random } = this.context;
    switch (this.intent.fate) {
      case 'keep':
      case 'hurry':
        return;
      case 'replay':
        for (let repeat = random.between(1, 3); repeat > 0 && !this.context.isOver(); repeat -= 1) {
          await this.pause(50, 4_000);
          await this.buyAt(this.gateway);
        }
        return;
      case 'reuse':
        await this.pause(20, 500);
        await this.buyAt(this.gateway, { ...this.attempt, quantity: 3 });
        return;
      case 'cancel':
        await this.pause(10, 1_500);
        return this.cancel(order);
      case 'pay':
        if ((await this.until(order, 'confirmed')) !== undefined) await this.pay(order, 1);
        return;
      case 'payRepeated':
        if ((await this.until(order, 'confirmed')) !== undefined) await this.pay(order, random.between(2, 4));
        return;
      case 'payAtHoldEnd': {
        const held = await this.until(order, 'confirmed');
        if (held?.holdUntil === undefined) return;
        // The hold ends by PostgreSQL's clock, and somebody must notice: the race is open for a while.
        await pause(Math.max(0, held.holdUntil - Date.now() + random.between(-20, 250)));
        await this.pay(order, random.between(1, 2), true);
        return;
      }
      case 'payLate':
        if ((await this.until(order, 'expired')) !== undefined) await this.pay(order, random.between(1, 3));
    }
  }

  private async cancel(order: OrderOf): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.context.history.cancel(this.gateway, order);
      if ((answer !== undefined && answer.status < 500) || this.context.isOver()) return;
      await this.backOff(attempt);
    }
  }

  /** Tells of one payment `copies` times at once, as a webhook is delivered, until an answer is known. */
  private async pay({ orderId }: OrderOf, copies: number, isAtHoldEnd = false): Promise<void> {
    const { history, shop } = this.context;
    const amountMinor = PRICE_MINOR * this.intent.quantity;
    const payment = { orderId, paymentId: `pay-${this.intent.number}`, amountMinor, isAtHoldEnd };
    const send = () =>
      history.pay(payment, async () => {
        const { status, body } = await shop.paid(orderId, payment.paymentId, amountMinor);
        return { status, code: body['code'] as string | undefined };
      });
    for (let attempt = 0; ; attempt += 1) {
      const answers = await Promise.all(Array.from({ length: copies }, send));
      const isKnown = answers.some((answer) => answer !== undefined && answer.status < 500);
      if (isKnown || this.context.isOver()) return;
      await this.backOff(attempt);
    }
  }

  /** Looks until the order is so. @returns undefined where it never becomes so, or the load is over */
  private async until(order: OrderOf, status: OrderStatus): Promise<StatusAnswer | undefined> {
    for (let attempt = 0; !this.context.isOver(); attempt += 1) {
      const answer = await this.look(order);
      if (answer?.orderStatus === status) return answer;
      if (answer?.orderStatus !== undefined && isPast(answer.orderStatus, status)) return undefined;
      await this.backOff(attempt);
    }
    return undefined;
  }

  private async look(order: OrderOf): Promise<StatusAnswer | undefined> {
    return this.context.history.look(this.gateway, order);
  }

  private get gateways(): readonly string[] {
    const { gatewayUrls } = this.context;
    return [...gatewayUrls, ...gatewayUrls];
  }

  private get gateway(): string {
    return this.context.random.pick(this.context.gatewayUrls);
  }

  /** As a polite client does: longer each time, never all at once, and at once when the load is over. */
  private async backOff(attempt: number): Promise<void> {
    const mostMs = Math.min(250 * 1.7 ** attempt, 4_000);
    await Promise.race([this.pause(mostMs / 2, mostMs), this.context.over]);
  }

  private async pause(leastMs: number, mostMs: number): Promise<void> {
    await pause(this.context.random.between(Math.round(leastMs), Math.round(mostMs)));
  }
}

function isPast(status: OrderStatus, wanted: OrderStatus): boolean {
  const ended = status === 'rejected' || status === 'cancelled' || status === 'paid';
  return ended || (wanted === 'confirmed' && status === 'expired');
}
