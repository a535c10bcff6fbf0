import { Injectable } from '@nestjs/common';
import { isFinal, itemOfOrderId, type OrderAnswer } from '@flux/contracts';
import { GateClient } from '@flux/gate';
import { OrderTickets } from '../order-events/order-tickets';
import { AbsentOrder, unknownOrder } from './absent-order';
import { orderAnswer } from './order-answer';

/** What a shopper may read of an order: their own, as the gate knows it. */
@Injectable()
export class OrderStatusService {
  constructor(
    private readonly gate: GateClient,
    private readonly absent: AbsentOrder,
    private readonly tickets: OrderTickets,
  ) {}

  /**
   * The order, and, unless its status is final, where its events are streamed.
   * @throws ProblemError `unknown-order`, also for another shopper's; `sale-closed` once the item has left Redis;
   *   `not-ready` while it waits for its rebuild
   * @throws GateUnavailableError
   */
  async find(orderId: string, shopperId: string): Promise<OrderAnswer> {
    const item = itemOfOrderId(orderId);
    if (item === undefined) throw unknownOrder();
    const reading = await this.gate.readOrder(orderId);
    switch (reading.outcome) {
      case 'order': {
        if (!reading.belongsTo(shopperId)) throw unknownOrder();
        const answer = orderAnswer(reading.order);
        return isFinal(answer.status) ? answer : { ...answer, eventsUrl: this.tickets.eventsUrlOf(orderId) };
      }
      case 'unknownOrder':
        throw unknownOrder();
      case 'notReady':
        throw await this.absent.withoutItem(item);
    }
  }
}
