import { orderIdsOf, type ItemEvent, type ItemRef } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, LessThan, Raw } from 'typeorm';
import { isMissing } from './catch-up';
import { ItemEntity } from './entities/item.entity';
import { LedgerEntity } from './entities/ledger.entity';
import { OrderEntity } from './entities/order.entity';
import { ParkedMessageEntity } from './entities/parked-message.entity';
import { SaleEntity } from './entities/sale.entity';
import type { KnownOrder } from './ledger-row';
import { knownOrders } from './ledger-rows';

export interface ItemWithLedger {
  readonly item: ItemEntity;
  readonly ledger: LedgerEntity;
}

export interface SaleWithItems {
  readonly sale: SaleEntity;
  /** In the operator's order. */
  readonly items: readonly ItemWithLedger[];
}

export interface Page {
  /** Most rows to answer. */
  readonly limit: number;
  /** The id of the last row that was seen. */
  readonly after?: string;
}

const ORDERS_PER_READ = 1_000;

/** Reads of the ledger that lock nothing. */
@Injectable()
export class LedgerReader {
  constructor(private readonly dataSource: DataSource) {}

  /** The newest first. */
  async sales(): Promise<readonly SaleEntity[]> {
    return this.dataSource.getRepository(SaleEntity).find({ order: { createdAt: 'DESC', id: 'ASC' } });
  }

  async sale(saleId: string): Promise<SaleWithItems | undefined> {
    const sale = await this.dataSource.getRepository(SaleEntity).findOneBy({ id: saleId });
    if (sale === null) return undefined;
    const items = await this.dataSource
      .getRepository(ItemEntity)
      .find({ where: { saleId }, order: { position: 'ASC', productId: 'ASC' } });
    const ledgers = await this.dataSource.getRepository(LedgerEntity).findBy({ saleId });
    const byProduct = new Map(ledgers.map((ledger) => [ledger.productId, ledger]));
    return {
      sale,
      items: items.flatMap((item) => {
        const ledger = byProduct.get(item.productId);
        return ledger === undefined ? [] : [{ item, ledger }];
      }),
    };
  }

  async ledger({ saleId, productId }: ItemRef): Promise<LedgerEntity | undefined> {
    return (await this.dataSource.getRepository(LedgerEntity).findOneBy({ saleId, productId })) ?? undefined;
  }

  async order(orderId: string): Promise<OrderEntity | undefined> {
    return (await this.dataSource.getRepository(OrderEntity).findOneBy({ orderId })) ?? undefined;
  }

  /** Every order of a sale by its id, in constant memory. A row that is written meanwhile may be missing. */
  async *orders(saleId: string): AsyncGenerator<OrderEntity, void, undefined> {
    const repository = this.dataSource.getRepository(OrderEntity);
    // An id starts with `<sale>.`, and `/` follows `.` in byte order: one range of the primary key.
    let after = `${saleId}.`;
    for (;;) {
      const rows = await repository.find({
        where: {
          orderId: Raw((column) => `${column} > :after AND ${column} < :end`, { after, end: `${saleId}/` }),
        },
        order: { orderId: 'ASC' },
        take: ORDERS_PER_READ,
      });
      yield* rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < ORDERS_PER_READ) return;
      after = last.orderId;
    }
  }

  /** Messages put aside, the newest first. */
  async parkedMessages({ limit, after }: Page): Promise<readonly ParkedMessageEntity[]> {
    return this.dataSource.getRepository(ParkedMessageEntity).find({
      ...(after === undefined ? {} : { where: { id: LessThan(after) } }),
      order: { id: 'DESC' },
      take: limit,
    });
  }

  /** The rows of these orders, by id; an order without a row is absent. */
  async knownOrders(orderIds: readonly string[]): Promise<ReadonlyMap<string, KnownOrder>> {
    return knownOrders(this.dataSource.manager, orderIds);
  }

  /**
   * Those of an item's events that the ledger has not judged, or not all of: an order without a row or with one that
   * was rejected as old-epoch in an older epoch, a wish to cancel that no row has noted.
   */
  async missingEvents<Event extends ItemEvent>(
    item: ItemRef,
    events: readonly Event[],
  ): Promise<readonly Event[]> {
    if (events.length === 0) return [];
    const ledger = await this.ledger(item);
    const known = await this.knownOrders(events.flatMap(orderIdsOf));
    return events.filter((event) => isMissing(event, known, ledger?.epoch ?? 0));
  }
}
