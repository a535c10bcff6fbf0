import { type ItemRef, ORDERS_ACCEPTED_TYPE, type ProblemError, itemOfOrderId } from '@flux/contracts';
import { GateClient, type GateOrder, Outboxes } from '@flux/gate';
import { ItemEntity, SaleEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { gateNotReady, notConfirmed, unknownOrder } from './order-problems';

export type GateOrderOutcome =
  | { readonly outcome: 'order'; readonly order: GateOrder }
  | { readonly outcome: 'unknownOrder' }
  /** The gate has lost the item, or waits for its rebuild: it cannot say. */
  | { readonly outcome: 'notReady' };

/** Orders that the gate has accepted and the ledger has not judged yet. */
@Injectable()
export class GateOrders {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
    private readonly outboxes: Outboxes,
  ) {}

  /** @throws GateUnavailableError */
  async find(orderId: string): Promise<GateOrderOutcome> {
    const read = await this.gate.readOrder(orderId);
    switch (read.outcome) {
      case 'order':
        return { outcome: 'order', order: read.order };
      case 'unknownOrder':
        return read;
      case 'notReady':
        return { outcome: (await this.shouldBeThere(orderId)) ? 'notReady' : 'unknownOrder' };
    }
  }

  /**
   * Why an order that has no row cannot be changed: it is on its way to the ledger, or there is none.
   * @throws GateUnavailableError
   */
  async withoutRow(orderId: string): Promise<ProblemError> {
    const { outcome } = await this.find(orderId);
    switch (outcome) {
      case 'order':
        return notConfirmed();
      case 'notReady':
        return gateNotReady();
      case 'unknownOrder':
        return unknownOrder();
    }
  }

  /**
   * Who placed an order that is not settled: the gate's record has only a hash of the name, the outbox has the name.
   * undefined where the order has left the outbox: then the ledger has it.
   * @throws GateUnavailableError
   */
  async shopperOf({ saleId, productId, orderId, sequence }: GateOrder): Promise<string | undefined> {
    const item: ItemRef = { saleId, productId };
    const gate = await this.gate.readItem(item);
    if (gate === undefined || sequence === 0) return undefined;
    // An entry's id ends with its last sequence: the first one behind the sequence before has the order.
    const [entry] = await this.outboxes.read(item, { after: `${gate.epoch}-${sequence - 1}`, count: 1 });
    if (entry?.outcome !== 'event' || entry.event.type !== ORDERS_ACCEPTED_TYPE) return undefined;
    return entry.event.orders.find((order) => order.orderId === orderId)?.shopperId;
  }

  /** An item that was open and is not retired has keys in Redis. */
  private async shouldBeThere(orderId: string): Promise<boolean> {
    const item = itemOfOrderId(orderId);
    if (item === undefined) return false;
    return this.dataSource.manager
      .createQueryBuilder(ItemEntity, 'item')
      .innerJoin(SaleEntity, 'sale', "sale.id = item.saleId AND sale.state <> 'retired'")
      .where('item.saleId = :saleId AND item.productId = :productId', item)
      .andWhere('item.gateOpenedAt IS NOT NULL')
      .getExists();
  }
}
