import { itemName, type ItemRef } from '@flux/contracts';
import { GateClient, GateUnavailableError, type RetakeOutcome } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { LedgerEntity } from './entities/ledger.entity';
import { OrderEntity } from './entities/order.entity';
import { PaymentEntity } from './entities/payment.entity';
import { SaleEntity } from './entities/sale.entity';
import { noteChange, paymentNote, refusalNote } from './ledger-log';
import { freeUnits } from './ledger-row';
import { liveUnits, lockLedger } from './ledger-rows';
import { applyChanges, changeOrder } from './order-change';
import { changeableOf, lockOrder } from './order-rows';
import { decidedOutcome, type PayOutcome } from './payment-outcome';
import { oweRefund, REFUND_REASONS, refundOf } from './refunds';
import { TellGate } from './tell-gate';

type Answer = RetakeOutcome | { readonly outcome: 'unavailable'; readonly reason: string };

type Decision =
  | { readonly outcome: 'decided' }
  /** Nothing changed: ask the gate anew. */
  | { readonly outcome: 'again' }
  | { readonly outcome: 'pending'; readonly reason: string };

interface LatePayment {
  readonly payment: PaymentEntity;
  readonly order: OrderEntity;
  readonly epoch: number;
}

/**
 * Payments for orders that had ended: the units are taken from the gate first, then in PostgreSQL. Each step may be
 * repeated in any number of processes: the payment's row is locked meanwhile, and the gate knows each payment by its id.
 */
@Injectable()
export class LatePayments {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
    private readonly tellGate: TellGate,
  ) {}

  /**
   * Goes on with a payment that is recorded, wherever it stands.
   * @throws where PostgreSQL fails
   */
  async complete(paymentId: string): Promise<PayOutcome> {
    const { manager } = this.dataSource;
    for (;;) {
      const payment = await manager.findOneByOrFail(PaymentEntity, { paymentId });
      const order = await manager.findOneByOrFail(OrderEntity, { orderId: payment.orderId });
      if (payment.state !== 'pending') {
        await this.finish(payment, order);
        return decidedOutcome(manager, { paymentId, orderId: order.orderId, state: payment.state });
      }
      // Else the gate would still count the units that are taken anew, and give them back afterwards.
      const told = await this.tellGate.tell(order, [order.orderId]);
      if (told.outcome === 'later') return { outcome: 'pending', reason: told.reason };
      const { saleId, productId } = order;
      const { epoch } = await manager.findOneByOrFail(LedgerEntity, { saleId, productId });
      // Before the gate is asked: from now on it may have given the units. Not noted in the ledger's events: a database
      // that is written from them asks again, and the gate knows the payment by its id.
      await manager.update(PaymentEntity, { paymentId, state: 'pending' }, { epoch });
      const decision = await this.takeAndDecide({ payment, order, epoch });
      if (decision.outcome === 'pending') return decision;
    }
  }

  /**
   * Goes on with all that are not finished, `limit` at a time.
   * @returns how many are finished now
   * @throws where PostgreSQL failed for one of them, after all had their turn
   */
  async completeUnfinished(limit: number): Promise<number> {
    const failures: unknown[] = [];
    let completed = 0;
    let after = '';
    for (;;) {
      const rows: { readonly payment_id: string }[] = await this.dataSource.query(
        `SELECT payment_id FROM payments
         WHERE (state = 'pending' OR give_back_units IS NOT NULL) AND payment_id > $2
         ORDER BY payment_id LIMIT $1`,
        [limit, after],
      );
      for (const { payment_id } of rows) {
        after = payment_id;
        try {
          await this.complete(payment_id);
          if (await this.isFinished(payment_id)) completed += 1;
        } catch (error) {
          failures.push(error);
        }
      }
      if (rows.length < limit) break;
    }
    if (failures.length > 0) throw failures[0];
    return completed;
  }

  private async isFinished(paymentId: string): Promise<boolean> {
    const { manager } = this.dataSource;
    const { state, giveBackUnits } = await manager.findOneByOrFail(PaymentEntity, { paymentId });
    return state !== 'pending' && giveBackUnits === null;
  }

  private async takeAndDecide(late: LatePayment): Promise<Decision> {
    const { paymentId } = late.payment;
    return this.dataSource.transaction(async (manager) => {
      const lock = { mode: 'pessimistic_write' } as const;
      const payment = await manager.findOneOrFail(PaymentEntity, { where: { paymentId }, lock });
      if (payment.state !== 'pending') return { outcome: 'again' };
      const answer = await this.retake(late);
      switch (answer.outcome) {
        case 'taken':
        case 'done':
          return decide(manager, late, 'taken');
        case 'insufficient':
          return refuse(manager, late, { reason: REFUND_REASONS.noUnits, giveBackUnits: null });
        case 'shopperLimit':
          return refuse(manager, late, { reason: REFUND_REASONS.shopperLimit, giveBackUnits: null });
        case 'gone':
          // Nobody buys any more, so PostgreSQL alone knows what is free.
          if (await isRetired(manager, late.order)) return decide(manager, late, 'notTaken');
          return { outcome: 'pending', reason: 'the gate has lost the item' };
        case 'notReady':
          return { outcome: 'pending', reason: 'the gate is not ready' };
        case 'unavailable':
          return { outcome: 'pending', reason: answer.reason };
      }
    });
  }

  private async retake({ payment, order, epoch }: LatePayment): Promise<Answer> {
    const { saleId, productId, shopperId, quantity } = order;
    const changeId = `pay:${payment.paymentId}`;
    try {
      return await this.gate.retake({ saleId, productId, epoch, changeId, shopperId, quantity });
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      return { outcome: 'unavailable', reason: error.message };
    }
  }

  /** What is left to do at the gate once the payment is decided; not now is later. */
  private async finish(payment: PaymentEntity, order: OrderEntity): Promise<void> {
    if (payment.state === 'applied') await this.tellGate.tellSoon(order, [order.orderId]);
    if (payment.giveBackUnits !== null) await this.giveBack(payment, order, payment.giveBackUnits);
  }

  private async giveBack(payment: PaymentEntity, order: OrderEntity, units: number): Promise<void> {
    const { paymentId, epoch } = payment;
    if (epoch === null) throw new Error('units were taken in no epoch');
    const { saleId, productId, orderId, shopperId, quantity } = order;
    const release = { changeId: `back:${paymentId}`, orderId, status: undefined, shopperId, units };
    const changedAtMs = payment.decidedAt?.getTime() ?? 0;
    try {
      const releases = [{ ...release, counted: quantity, changedAtMs }];
      const { outcome } = await this.gate.release({ saleId, productId, epoch, releases });
      if (outcome === 'notReady') return;
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      return;
    }
    await this.dataSource.transaction(async (manager) => {
      await lockLedger(manager, [order]);
      await manager.update(PaymentEntity, { paymentId }, { giveBackUnits: null });
      await noteChange(manager, order, paymentNote(paymentId));
    });
  }
}

/** Pays the order, or refuses: under the ledger's lock, and only in the epoch in which the gate was asked. */
async function decide(
  manager: EntityManager,
  late: LatePayment,
  atGate: 'taken' | 'notTaken',
): Promise<Decision> {
  const { payment, epoch } = late;
  const { paymentId, orderId } = payment;
  const item: ItemRef = late.order;
  const { rows, nowMs } = await lockLedger(manager, [item]);
  const ledger = rows.get(itemName(item));
  const order = await lockOrder(manager, orderId);
  if (ledger === undefined || order === undefined) throw new Error('the order of a payment is gone');
  // The gate was rebuilt meanwhile, from a ledger in which the units were free: they are taken from the new one.
  if (ledger.epoch !== epoch) return { outcome: 'again' };

  const free = freeUnits(ledger);
  const change = changeOrder(changeableOf(order), 'payLate', { ledger, nowMs, paymentId });
  const { saleId, productId, shopperId } = order;
  const units = await liveUnits(manager, [{ saleId, productId, shopperIds: [shopperId] }]);
  const live = units.get(itemName(item))?.get(shopperId) ?? 0;
  const refuseBecause = (reason: string): Promise<Decision> => {
    // The gate had units that the ledger does not have: then it is right that it has fewer now.
    const giveBackUnits = atGate === 'taken' ? Math.max(0, Math.min(order.quantity, free)) : null;
    return refuse(manager, late, { reason, giveBackUnits });
  };
  if ((await refundOf(manager, paymentId)) !== undefined) return refuseBecause(REFUND_REASONS.wentBack);
  if (change === undefined) return refuseBecause(REFUND_REASONS.paidBefore);
  if (order.quantity > free) return refuseBecause(REFUND_REASONS.noUnits);
  if (live + order.quantity > ledger.perShopperLimit) return refuseBecause(REFUND_REASONS.shopperLimit);
  await manager.update(PaymentEntity, { paymentId }, { state: 'applied', epoch, decidedAt: () => 'now()' });
  await applyChanges(manager, item, [change], paymentNote(paymentId));
  return { outcome: 'decided' };
}

async function refuse(
  manager: EntityManager,
  { payment, order, epoch }: LatePayment,
  { reason, giveBackUnits }: { readonly reason: string; readonly giveBackUnits: number | null },
): Promise<Decision> {
  const { paymentId } = payment;
  // Before the payment, as everywhere: who records a payment of the same id holds it and waits for that row.
  await lockLedger(manager, [order]);
  const refused = { state: 'refund-due', epoch, giveBackUnits, decidedAt: () => 'now()' } as const;
  await manager.update(PaymentEntity, { paymentId }, refused);
  await oweRefund(manager, payment, reason);
  await noteChange(manager, order, refusalNote(paymentId));
  return { outcome: 'decided' };
}

async function isRetired(manager: EntityManager, { saleId }: OrderEntity): Promise<boolean> {
  const { state } = await manager.findOneByOrFail(SaleEntity, { id: saleId });
  return state === 'retired';
}
