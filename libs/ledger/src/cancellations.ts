import { itemName, itemOfOrderId } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { OrderEntity } from './entities/order.entity';
import { lockLedger } from './ledger-rows';
import { applyChanges, changeOrder } from './order-change';
import { changeableOf, lockOrder } from './order-rows';
import { TellGate } from './tell-gate';

export type CancellationOutcome =
  /** Now, or before, by whomever. */
  | { readonly outcome: 'cancelled'; readonly order: OrderEntity }
  /** Paid, rejected or expired. */
  | { readonly outcome: 'notCancellable'; readonly order: OrderEntity }
  | { readonly outcome: 'unknownOrder' };

/** Orders that the shop gives up. */
@Injectable()
export class Cancellations {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tellGate: TellGate,
  ) {}

  /**
   * Cancels an order that waits for its payment, or is parked; its units go back. A repeat changes nothing.
   * @throws where PostgreSQL fails
   */
  async cancel(request: { readonly orderId: string; readonly reason: string }): Promise<CancellationOutcome> {
    const outcome = await this.dataSource.transaction((manager) => cancelIn(manager, request));
    if (outcome.outcome === 'cancelled' && outcome.order.gateEpoch !== null) {
      await this.tellGate.tellSoon(outcome.order, [request.orderId]);
    }
    return outcome;
  }
}

async function cancelIn(
  manager: EntityManager,
  { orderId, reason }: { readonly orderId: string; readonly reason: string },
): Promise<CancellationOutcome> {
  const item = itemOfOrderId(orderId);
  if (item === undefined) return { outcome: 'unknownOrder' };
  const { rows, nowMs } = await lockLedger(manager, [item]);
  const ledger = rows.get(itemName(item));
  const order = await lockOrder(manager, orderId);
  if (ledger === undefined || order === undefined) return { outcome: 'unknownOrder' };
  if (order.state === 'cancelled') return { outcome: 'cancelled', order };
  const change = changeOrder(changeableOf(order), 'cancel', { ledger, nowMs, reason });
  if (change === undefined) return { outcome: 'notCancellable', order };
  await applyChanges(manager, item, [change]);
  return { outcome: 'cancelled', order: await manager.findOneByOrFail(OrderEntity, { orderId }) };
}
