import { itemName, type ItemRef } from '@flux/contracts';
import { GateClient, GateUnavailableError } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { groupBy } from './group-by';
import type { OrderChange } from './order-change';
import { numberArray, textArray } from './sql-array';
import {
  itemOf,
  partsOf,
  releaseOf,
  stateWriteOf,
  UNTOLD_COLUMNS,
  untoldOf,
  type Part,
  type Untold,
  type UntoldRow,
} from './untold';

export type TellOutcome =
  /** The gate has heard of all of them, now or before. `orders`: how many were told now. */
  | { readonly outcome: 'told'; readonly orders: number }
  /** The gate cannot be asked, or is behind: what is left is told later. */
  | { readonly outcome: 'later'; readonly orders: number; readonly reason: string };

/** Whoever commits a change tells the gate at once; until then nobody else needs to. */
const TOLD_WITHIN_MS = 1_000;

/** Tells the gate of states that the ledger has given orders, and gives back the units that they free. */
@Injectable()
export class TellGate {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
  ) {}

  /**
   * Tells what these orders of one item still have to tell, each in the epoch in which its state was committed. Again,
   * and in any number of processes at once, it changes nothing at the gate.
   * @throws where PostgreSQL fails; never because of the gate
   */
  async tell({ saleId, productId }: ItemRef, orderIds: readonly string[]): Promise<TellOutcome> {
    const rows: UntoldRow[] = await this.dataSource.query(
      `SELECT untold.*
       FROM unnest($1::text[]) AS asked (order_id),
            LATERAL (
              SELECT ${UNTOLD_COLUMNS} FROM orders WHERE orders.order_id = asked.order_id OFFSET 0
            ) untold
       WHERE gate_epoch IS NOT NULL`,
      [textArray(orderIds)],
    );
    return this.tellAll({ saleId, productId }, rows.map(untoldOf));
  }

  /**
   * As `tell`, of changes of one item that the caller has just committed: nothing has to be looked up. Whatever fails
   * is left to `tellDue`.
   */
  async tellChanges({ saleId, productId }: ItemRef, changes: readonly OrderChange[]): Promise<void> {
    await this.tellAll({ saleId, productId }, changes).catch(() => undefined);
  }

  /**
   * As `tell`, for a caller who has committed the change and answers for that alone: whatever fails here is left to
   * `tellDue`.
   */
  async tellSoon(item: ItemRef, orderIds: readonly string[]): Promise<void> {
    await this.tell(item, orderIds).catch(() => undefined);
  }

  /**
   * Tells all that a crash or an outage left untold, `limit` orders at a time, oldest first. An item whose gate is
   * behind holds up no other.
   * @param untoldForMs younger changes are left to those who committed them
   * @throws as `tell`
   */
  async tellDue(limit: number, untoldForMs = TOLD_WITHIN_MS): Promise<TellOutcome> {
    const waiting = new Map<string, string>();
    let orders = 0;
    for (;;) {
      const rows: UntoldRow[] = await this.dataSource.query(
        `SELECT ${UNTOLD_COLUMNS} FROM orders
         WHERE gate_epoch IS NOT NULL AND decided_at <= now() - $2 * interval '1 millisecond'
           AND sale_id || '.' || product_id <> ALL ($3)
         ORDER BY decided_at LIMIT $1`,
        [limit, untoldForMs, [...waiting.keys()]],
      );
      for (const [key, ofItem] of groupBy(rows, (row) => itemName(itemOf(row)))) {
        const told = await this.tellAll(itemOf(ofItem[0]), ofItem.map(untoldOf));
        orders += told.orders;
        // Told, and its row locked by another: that one tells it too.
        const stays = told.orders < ofItem.length ? 'another process is at it' : undefined;
        const reason = told.outcome === 'later' ? told.reason : stays;
        if (reason !== undefined) waiting.set(key, reason);
      }
      if (rows.length < limit) break;
    }
    const [reason] = waiting.values();
    return reason === undefined ? { outcome: 'told', orders } : { outcome: 'later', orders, reason };
  }

  private async tellAll(item: ItemRef, orders: readonly Untold[]): Promise<TellOutcome> {
    const parts = partsOf(orders);
    const answers = await Promise.all(parts.map((part) => this.tellPart(item, part)));
    const told = parts.filter((_, index) => answers[index] === undefined).flatMap((part) => part.orders);
    const settled = await this.forget(told);
    const reason = answers.find((answer) => answer !== undefined);
    return reason === undefined
      ? { outcome: 'told', orders: settled }
      : { outcome: 'later', orders: settled, reason };
  }

  /** @returns why it has to be told later; undefined where the gate knows it now */
  private async tellPart(item: ItemRef, part: Part): Promise<string | undefined> {
    try {
      return await (part.kind === 'ended' ? this.release(item, part) : this.writeStates(item, part));
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      return error.message;
    }
  }

  private async release(item: ItemRef, { epoch, orders }: Part): Promise<string | undefined> {
    const answer = await this.gate.release({ ...item, epoch, releases: orders.map(releaseOf) });
    switch (answer.outcome) {
      case 'released':
      case 'done':
        return undefined;
      case 'notReady':
        return BEHIND;
    }
  }

  private async writeStates(item: ItemRef, { epoch, orders }: Part): Promise<string | undefined> {
    const nothing = { watermark: 0, watermarkOrderId: '', runs: [] };
    const answer = await this.gate.settle({ ...item, epoch, ...nothing, states: orders.map(stateWriteOf) });
    switch (answer.outcome) {
      case 'settled':
      case 'gone':
        return undefined;
      case 'notReady':
        // The rebuild may have read the order's row before it had this state.
        return BEHIND;
      case 'otherEpoch':
        // A newer gate was built from a ledger that had the state.
        return answer.epoch > epoch ? undefined : BEHIND;
      case 'behind':
      case 'rewound':
        throw new Error(`the gate answered ${answer.outcome} to states without a watermark`);
    }
  }

  /**
   * One probe of the primary key for each order, as in `Holds`. Rows that changed again since they were read keep what they have to tell. Never waits for a row, so that it needs
   * no place in the order of locks: what another holds is told once more, without effect.
   * @returns how many rows have nothing to tell any more
   */
  private async forget(orders: readonly Untold[]): Promise<number> {
    if (orders.length === 0) return 0;
    const [, affected]: [unknown, number] = await this.dataSource.query(
      `UPDATE orders SET gate_epoch = NULL, gate_units = 0
       WHERE ctid = ANY (ARRAY(
         SELECT unlocked.ctid
         FROM unnest($1::text[], $2::text[], $3::integer[]) AS told (order_id, state, gate_epoch),
              LATERAL (
                SELECT orders.ctid, orders.state, orders.gate_epoch FROM orders
                WHERE orders.order_id = told.order_id
                OFFSET 0 FOR UPDATE SKIP LOCKED
              ) unlocked
         WHERE unlocked.state = told.state AND unlocked.gate_epoch = told.gate_epoch
       ))`,
      [
        textArray(orders.map(({ orderId }) => orderId)),
        textArray(orders.map(({ state }) => state)),
        numberArray(orders.map(({ gateEpoch }) => gateEpoch)),
      ],
    );
    return affected;
  }
}

const BEHIND = 'the gate is not ready';
