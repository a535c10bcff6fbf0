import { Injectable } from '@nestjs/common';
import { itemOfOrderId, ProblemError, type OrderAnswer } from '@flux/contracts';
import { GateClient, GateUnavailableError, type CancelOutcome } from '@flux/gate';
import { Metrics } from '@flux/telemetry';
import { AbsentOrder, unknownOrder } from './absent-order';
import { orderAnswer } from './order-answer';

/** Takes a shopper's wish to give an order up to the gate. The ledger decides on it later. */
@Injectable()
export class CancelService {
  private readonly requests;

  constructor(
    private readonly gate: GateClient,
    private readonly absent: AbsentOrder,
    metrics: Metrics,
  ) {
    this.requests = metrics.counter({
      name: 'cancel_requests_total',
      help: "Shoppers' wishes to give an order up, by outcome",
      labels: ['outcome'],
    });
  }

  /**
   * The order as it is now: a wish that was taken shows in it once the ledger has decided. May be repeated.
   * @throws ProblemError `not-cancellable` once paid, rejected or expired; `unknown-order`, also for another shopper's;
   *   `sale-closed` once the item has left Redis; `not-ready` while it waits for its rebuild;
   *   `temporarily-unavailable` where nothing was done, `outcome-unknown` where that is not known
   */
  async cancel(orderId: string, shopperId: string): Promise<OrderAnswer> {
    try {
      const item = itemOfOrderId(orderId);
      const outcome: CancelOutcome =
        item === undefined ? { outcome: 'unknownOrder' } : await this.gate.cancel({ orderId, shopperId });
      this.requests.inc({ outcome: outcome.outcome });
      switch (outcome.outcome) {
        case 'requested':
        case 'repeated':
          return orderAnswer(outcome.order);
        case 'notCancellable':
          throw new ProblemError('not-cancellable', `The order is ${outcome.order.status}.`);
        case 'unknownOrder':
          throw unknownOrder();
        case 'notReady':
          throw item === undefined ? unknownOrder() : await this.absent.withoutItem(item);
      }
    } catch (error) {
      throw error instanceof GateUnavailableError ? unavailable(error) : error;
    }
  }
}

function unavailable({ effect }: GateUnavailableError): ProblemError {
  return effect === 'none'
    ? new ProblemError('temporarily-unavailable', 'Nothing was changed. Try again.')
    : new ProblemError('outcome-unknown', 'Whether it was noted is not known. Try again: it is noted once.');
}
