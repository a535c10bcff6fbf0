import { itemName, type ItemRef } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { describeFailure } from './classify-failure';
import { groupBy } from './group-by';
import { lockLedger } from './ledger-rows';
import { applyChanges, changeOrder, type OrderChange } from './order-change';
import { textArray } from './sql-array';

export interface ExpiryResult {
  readonly items: readonly ExpiredOrders[];
  /** Items whose transaction failed; their orders stay due. */
  readonly failed: readonly FailedExpiry[];
  /** There were as many as asked for: more may be due. */
  readonly full: boolean;
}

/** Orders that one transaction ended. Their gate still has to be told. */
export interface ExpiredOrders {
  readonly item: ItemRef;
  /** As `TellGate.tellChanges` takes them. */
  readonly changes: readonly OrderChange[];
  /** How long the item's ledger row was locked. */
  readonly lockedMs: number;
}

export interface FailedExpiry {
  readonly item: ItemRef;
  readonly reason: string;
}

/** Holds that have run out, by PostgreSQL's clock. */
@Injectable()
export class Holds {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Ends the orders whose hold ran out first, at most `limit`, in one transaction per item. What is due is looked up
   * without a lock and asked again under the item's; so any number of processes may do it at once, and an order that
   * is paid or cancelled meanwhile stays so.
   * @param except items to leave out, because they failed a moment ago
   * @throws where PostgreSQL cannot say what is due
   */
  async expireDue(limit: number, except: readonly ItemRef[] = []): Promise<ExpiryResult> {
    const due: readonly DueRow[] = await this.dataSource.query(
      `SELECT order_id AS "orderId", sale_id AS "saleId", product_id AS "productId" FROM orders
       WHERE state = 'confirmed' AND hold_until <= now() AND sale_id || '.' || product_id <> ALL ($2)
       ORDER BY hold_until LIMIT $1`,
      [limit, except.map(itemName)],
    );
    const items: ExpiredOrders[] = [];
    const failed: FailedExpiry[] = [];
    for (const orders of groupBy(due, itemName).values()) {
      const [{ saleId, productId }] = orders;
      const item = { saleId, productId };
      try {
        const candidates = orders.map(({ orderId }) => orderId);
        items.push(await this.expire(item, candidates));
      } catch (error) {
        failed.push({ item, reason: describeFailure(error) });
      }
    }
    return { items, failed, full: due.length === limit };
  }

  private async expire(item: ItemRef, candidates: readonly string[]): Promise<ExpiredOrders> {
    let lockedAt = performance.now();
    const changes = await this.dataSource.transaction(async (manager) => {
      const { rows, nowMs } = await lockLedger(manager, [item]);
      lockedAt = performance.now();
      const ledger = rows.get(itemName(item));
      if (ledger === undefined) return [];
      const orders = await lockDue(manager, candidates);
      const ended = orders
        .map((order) =>
          changeOrder(
            {
              orderId: order.order_id,
              shopperId: order.shopper_id,
              quantity: order.quantity,
              state: 'confirmed',
              booked: 0,
              decidedAtMs: order.decided_at.getTime(),
            },
            'expire',
            { ledger, nowMs },
          ),
        )
        .filter((change): change is OrderChange => change !== undefined);
      await applyChanges(manager, item, ended);
      return ended;
    });
    return {
      item,
      changes,
      lockedMs: performance.now() - lockedAt,
    };
  }
}

interface DueRow extends ItemRef {
  readonly orderId: string;
}

interface HeldRow {
  readonly order_id: string;
  readonly shopper_id: string;
  readonly quantity: number;
  readonly decided_at: Date;
}

/** What is still due. The ledger's lock keeps other changes away; who only notes that the gate was told is passed by. */
async function lockDue(manager: EntityManager, orderIds: readonly string[]): Promise<readonly HeldRow[]> {
  return manager.query(
    // One probe of the primary key for each order, whatever the planner believes: for a thousand it likes to read the
    // whole table, and OFFSET keeps it from looking for each among all that is due.
    `SELECT held.*
     FROM unnest($1::text[]) AS due (order_id),
          LATERAL (
            SELECT order_id, shopper_id, quantity, decided_at, state, hold_until FROM orders
            WHERE orders.order_id = due.order_id
            OFFSET 0 FOR UPDATE SKIP LOCKED
          ) held
     WHERE state = 'confirmed' AND hold_until <= now()`,
    [textArray(orderIds)],
  );
}
