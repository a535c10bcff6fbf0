import type { ItemEvent, ItemRef, OrderStatusEvent } from '@flux/contracts';
import { createDatabase, insertSale, type TestDatabase } from '@flux/testing';
import { BatchTransaction, type BatchOutcome } from '../src/batch-transaction';
import type { PlacedEvent } from '../src/decide-batch';
import { LedgerEntity } from '../src/entities/ledger.entity';
import { OrderEventEntity } from '../src/entities/order-event.entity';
import { OrderEntity } from '../src/entities/order.entity';
import { eventsOfRuns } from '../src/order-events';
import type { ItemResult } from '../src/settlement';

/** A ledger of the test's own, and what a test reads of it. */
export class BatchWorld {
  readonly batch: BatchTransaction;

  private constructor(readonly database: TestDatabase) {
    this.batch = new BatchTransaction(database.dataSource);
  }

  static async start(): Promise<BatchWorld> {
    return new BatchWorld(await createDatabase());
  }

  async newItem(stock: number, perShopperLimit = 10): Promise<ItemRef> {
    const [item] = await insertSale(this.database.dataSource, [{ stock, perShopperLimit }]);
    if (item === undefined) throw new Error('no item was made');
    return item;
  }

  /** Applies events at offsets 0, 1, ... */
  async apply(...events: readonly ItemEvent[]): Promise<readonly ItemResult[]> {
    return itemsOf(await this.batch.apply(placed(...events)));
  }

  async ledgerOf(item: ItemRef): Promise<LedgerEntity> {
    return this.database.dataSource.getRepository(LedgerEntity).findOneByOrFail({ ...item });
  }

  /** In the order of their sequences. */
  async ordersOf({ saleId }: ItemRef): Promise<OrderEntity[]> {
    return this.database.dataSource
      .getRepository(OrderEntity)
      .find({ where: { saleId }, order: { epoch: 'ASC', sequence: 'ASC' } });
  }

  /** What will be published of the item, by the transactions that changed it. */
  async eventsOf({ productId }: ItemRef): Promise<(readonly OrderStatusEvent[])[]> {
    const rows = await this.database.dataSource
      .getRepository(OrderEventEntity)
      .find({ where: { productId }, order: { id: 'ASC' } });
    return rows.map((row) => eventsOfRuns(row, row.events));
  }

  /** The same as `<shopper> <status>`. */
  async statusesTold(item: ItemRef): Promise<string[][]> {
    const rows = await this.eventsOf(item);
    return rows.map((row) => row.map(({ shopperId, status }) => `${shopperId} ${status}`));
  }

  /** A checksum over every byte of the sale's rows. */
  async checksum({ saleId }: ItemRef): Promise<unknown> {
    return this.database.dataSource.query(
      `SELECT (SELECT md5(string_agg(orders::text, '|' ORDER BY order_id)) FROM orders WHERE sale_id = $1) AS orders,
              (SELECT md5(string_agg(ledger::text, '|' ORDER BY product_id)) FROM ledger WHERE sale_id = $1) AS ledger,
              (SELECT count(*)::integer FROM order_events WHERE sale_id = $1) AS events`,
      [saleId],
    );
  }
}

export function placed(...events: readonly ItemEvent[]): PlacedEvent[] {
  return events.map((event, index) => ({ event, offset: BigInt(index) }));
}

export function itemsOf(outcome: BatchOutcome): readonly ItemResult[] {
  if (outcome.outcome !== 'applied') throw new Error(outcome.reason);
  return outcome.items;
}
