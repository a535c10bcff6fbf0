import { randomBytes } from 'node:crypto';
import {
  fingerprintOf,
  orderIdOf,
  type AcceptedOrder,
  type CancelRequested,
  type ItemRef,
  type OrdersAccepted,
} from '@flux/contracts';
import { ItemEntity, LedgerEntity, SaleEntity } from '@flux/ledger';
import type { DataSource } from 'typeorm';

export interface ItemFixture {
  readonly stock: number;
  readonly perShopperLimit?: number;
  readonly productId?: string;
}

/** A random id that no other test uses. */
export function randomId(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

/** An open sale in PostgreSQL alone, with a row per item in `items` and `ledger`. */
export async function insertSale(
  dataSource: DataSource,
  fixtures: readonly ItemFixture[],
): Promise<ItemRef[]> {
  const saleId = randomId('sale');
  const items = fixtures.map(({ productId = randomId('product') }) => ({ saleId, productId }));
  const now = Date.now();
  await dataSource.transaction(async (manager) => {
    await manager.insert(SaleEntity, {
      id: saleId,
      name: 'A sale',
      state: 'open',
      opensAt: new Date(now - 60_000),
      closesAt: new Date(now + 3_600_000),
      holdMs: 600_000,
    });
    for (const [position, item] of items.entries()) {
      const { stock = 0, perShopperLimit = 10 } = fixtures[position] ?? {};
      await manager.insert(ItemEntity, {
        ...item,
        position,
        name: 'A product',
        priceMinor: 1_999,
        currency: 'EUR',
        perShopperLimit,
        live: true,
      });
      await manager.insert(LedgerEntity, { ...item, initial: stock });
    }
  });
  return items;
}

export interface OrderFixture {
  readonly shopperId?: string;
  readonly quantity?: number;
  readonly passId?: string;
}

export interface EventFixture {
  readonly item: ItemRef;
  readonly firstSequence?: number;
  readonly epoch?: number;
  /** A number stands for that many orders of one unit by different shoppers. */
  readonly orders: number | readonly OrderFixture[];
}

/** An event as the gate would have put it into the outbox, with new orders. */
export function acceptedEvent({ item, firstSequence = 1, epoch = 1, orders }: EventFixture): OrdersAccepted {
  const fixtures: readonly OrderFixture[] =
    typeof orders === 'number' ? Array.from({ length: orders }, () => ({})) : orders;
  return {
    type: 'orders-accepted.v1',
    saleId: item.saleId,
    productId: item.productId,
    epoch,
    firstSequence,
    acceptedAtMs: Date.now(),
    orders: fixtures.map(({ shopperId = randomId('shopper'), quantity = 1, passId }) => ({
      orderId: orderIdOf({ ...item, shopperId, idempotencyKey: randomId('idempotency-key') }),
      shopperId,
      quantity,
      fingerprint: fingerprintOf({ ...item, quantity }),
      ...(passId === undefined ? {} : { passId }),
    })),
  };
}

export interface IntentFixture {
  readonly item: ItemRef;
  readonly order: Pick<AcceptedOrder, 'orderId' | 'shopperId'>;
  readonly sequence: number;
  readonly epoch?: number;
}

/** A shopper's wish to cancel, as the gate would have put it into the outbox. */
export function cancelEvent({ item, order, sequence, epoch = 1 }: IntentFixture): CancelRequested {
  return {
    type: 'cancel-requested.v1',
    saleId: item.saleId,
    productId: item.productId,
    epoch,
    firstSequence: sequence,
    acceptedAtMs: Date.now(),
    orderId: order.orderId,
    shopperId: order.shopperId,
  };
}
