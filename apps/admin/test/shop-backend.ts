import { randomUUID } from 'node:crypto';
import type { ItemRef, ShopOrderDetail } from '@flux/contracts';
import { LedgerEntity } from '@flux/ledger';
import type { AdminWorld, Answer } from './admin.world';

/** What one unit of the worlds' sales costs, in euro cents. */
export const PRICE = 1_999;

type Headers = Readonly<Record<string, string>>;

/** The body of a payment for one unit, with an id that no other has. */
export function money(changes: object = {}) {
  return { paymentId: `pi_${randomUUID()}`, amountMinor: PRICE, currency: 'EUR', ...changes };
}

/** The shop's own backend, and what it can look at. */
export class ShopBackend {
  constructor(private readonly world: AdminWorld) {}

  async pay(orderId: string, body: unknown = money(), headers: Headers = {}): Promise<Answer> {
    return this.world.shop('POST', `/orders/${orderId}/paid`, { body, headers });
  }

  async cancel(orderId: string, body: unknown = { reason: 'Fraud' }, headers: Headers = {}): Promise<Answer> {
    return this.world.shop('POST', `/orders/${orderId}/cancel`, { body, headers });
  }

  async detail(orderId: string): Promise<ShopOrderDetail> {
    const answer = await this.world.shop('GET', `/orders/${orderId}`);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body as ShopOrderDetail;
  }

  /** Available at the gate, held and sold in the ledger. */
  async units({ saleId, productId }: ItemRef): Promise<readonly [number, number, number]> {
    const { manager } = this.world.dataSource;
    const { held, sold } = await manager.findOneByOrFail(LedgerEntity, { saleId, productId });
    const gate = await this.world.gate.readItem({ saleId, productId });
    return [gate?.available ?? -1, held, sold];
  }
}
