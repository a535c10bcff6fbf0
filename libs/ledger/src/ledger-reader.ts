import type { ItemRef } from '@flux/contracts';
import type { SettleRequest, StateWrite } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import { Any, DataSource, LessThan, Raw } from 'typeorm';
import { ItemEntity } from './entities/item.entity';
import { LedgerEntity } from './entities/ledger.entity';
import { OrderEntity } from './entities/order.entity';
import { ParkedMessageEntity } from './entities/parked-message.entity';
import { SaleEntity } from './entities/sale.entity';
import { stateWriteOf } from './settlement';

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
const STATES_PER_SETTLEMENT = 1_000;

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

  /**
   * Which of the orders, accepted in these epochs, the ledger has not judged yet. A row rejected as old-epoch in an
   * older epoch counts as not judged.
   */
  async missingOrders(
    orders: readonly { readonly orderId: string; readonly epoch: number }[],
  ): Promise<ReadonlySet<string>> {
    const rows = await this.dataSource.getRepository(OrderEntity).find({
      select: { orderId: true, reason: true, epoch: true },
      where: { orderId: Any(orders.map(({ orderId }) => orderId)) },
    });
    const byId = new Map(rows.map((row) => [row.orderId, row]));
    const missing = orders.filter(({ orderId, epoch }) => {
      const row = byId.get(orderId);
      return row === undefined || (row.reason === 'old-epoch' && row.epoch < epoch);
    });
    return new Set(missing.map(({ orderId }) => orderId));
  }

  /**
   * All that the gate lacks whose watermark is `gateWatermark` in `epoch`: requests for settle in their order, the
   * states first and the watermark last. Nothing where the ledger has another epoch or the item is not known.
   */
  async *settlements(
    { saleId, productId }: ItemRef,
    gate: { readonly epoch: number; readonly watermark: number },
  ): AsyncGenerator<SettleRequest, void, undefined> {
    // The row first: what it counts as applied has its order rows in every later read.
    const ledger = await this.ledger({ saleId, productId });
    if (ledger?.epoch !== gate.epoch) return;
    const { epoch, watermark, watermarkOrderId } = ledger;
    const request = { saleId, productId, epoch, settledAtMs: await this.nowMs() };
    let from = gate.watermark;
    for (;;) {
      const rows = await this.statesWrittenOut({ saleId, productId, epoch, from, to: watermark });
      const states = rows.map(stateOfRow).filter((write) => write !== undefined);
      const last = rows.at(-1);
      if (last === undefined || rows.length < STATES_PER_SETTLEMENT) {
        yield { ...request, watermark, watermarkOrderId, states, statesAfter: gate.watermark };
        return;
      }
      yield { ...request, watermark: 0, watermarkOrderId: '', states };
      from = last.sequence;
    }
  }

  private async statesWrittenOut(range: {
    readonly saleId: string;
    readonly productId: string;
    readonly epoch: number;
    readonly from: number;
    readonly to: number;
  }): Promise<readonly OrderEntity[]> {
    return this.dataSource
      .getRepository(OrderEntity)
      .createQueryBuilder('o')
      .where('o.saleId = :saleId AND o.productId = :productId AND o.epoch = :epoch', range)
      .andWhere("o.state <> 'confirmed' AND o.sequence > :from AND o.sequence <= :to", range)
      .orderBy('o.sequence')
      .limit(STATES_PER_SETTLEMENT)
      .getMany();
  }

  private async nowMs(): Promise<number> {
    const [row]: { readonly now: Date }[] = await this.dataSource.query('SELECT now()');
    if (row === undefined) throw new Error('PostgreSQL did not say the time');
    return row.now.getTime();
  }
}

function stateOfRow(row: OrderEntity): StateWrite | undefined {
  return stateWriteOf(row, row.decidedAt.getTime());
}
