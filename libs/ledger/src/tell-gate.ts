import { statusOfState, type ItemRef, type OrderState } from '@flux/contracts';
import { GateClient, GateUnavailableError, releaseIdOf, type Release, type StateWrite } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { itemKeyOf } from './ledger-rows';
import { numberArray, textArray } from './sql-array';

export type TellOutcome =
  /** The gate has heard of all of them, now or before. `orders`: how many were told now. */
  | { readonly outcome: 'told'; readonly orders: number }
  /** The gate cannot be asked, or is behind: what is left is told later. */
  | { readonly outcome: 'later'; readonly orders: number; readonly reason: string };

/** Whoever commits a change tells the gate at once; until then nobody else needs to. */
const TOLD_WITHIN_MS = 1_000;
/** One script call each, sent at once: purchases get their turn in between. */
const ORDERS_PER_CALL = 200;

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
    return this.tellRows({ saleId, productId }, rows);
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
      for (const [key, { item, rows: ofItem }] of byItem(rows)) {
        const told = await this.tellRows(item, ofItem);
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

  private async tellRows(item: ItemRef, rows: readonly UntoldRow[]): Promise<TellOutcome> {
    const parts = partsOf(rows);
    const answers = await Promise.all(parts.map((part) => this.tellPart(item, part)));
    const told = parts.filter((_, index) => answers[index] === undefined).flatMap((part) => part.rows);
    const orders = await this.forget(told);
    const reason = answers.find((answer) => answer !== undefined);
    return reason === undefined ? { outcome: 'told', orders } : { outcome: 'later', orders, reason };
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

  private async release(item: ItemRef, { epoch, rows }: Part): Promise<string | undefined> {
    const answer = await this.gate.release({ ...item, epoch, releases: rows.map(releaseOf) });
    switch (answer.outcome) {
      case 'released':
      case 'done':
        return undefined;
      case 'notReady':
        return BEHIND;
    }
  }

  private async writeStates(item: ItemRef, { epoch, rows }: Part): Promise<string | undefined> {
    const nothing = { watermark: 0, watermarkOrderId: '', runs: [] };
    const answer = await this.gate.settle({ ...item, epoch, ...nothing, states: rows.map(stateWriteOf) });
    switch (answer.outcome) {
      case 'settled':
      case 'gone':
        return undefined;
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
  private async forget(rows: readonly UntoldRow[]): Promise<number> {
    if (rows.length === 0) return 0;
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
        textArray(rows.map(({ order_id }) => order_id)),
        textArray(rows.map(({ state }) => state)),
        numberArray(rows.map(({ gate_epoch }) => gate_epoch)),
      ],
    );
    return affected;
  }
}

const BEHIND = 'the gate is not ready';

const UNTOLD_COLUMNS =
  'order_id, sale_id, product_id, shopper_id, quantity, state, decided_at, gate_epoch, gate_units';

interface UntoldRow {
  readonly order_id: string;
  readonly sale_id: string;
  readonly product_id: string;
  readonly shopper_id: string;
  readonly quantity: number;
  readonly state: OrderState;
  readonly decided_at: Date;
  readonly gate_epoch: number;
  readonly gate_units: number;
}

/** Rows that one call tells. */
interface Part {
  readonly kind: 'ended' | 'goesOn';
  readonly epoch: number;
  readonly rows: readonly UntoldRow[];
}

function partsOf(rows: readonly UntoldRow[]): Part[] {
  const groups = new Map<
    string,
    { readonly kind: Part['kind']; readonly epoch: number; readonly rows: UntoldRow[] }
  >();
  for (const row of rows) {
    const kind = isEnded(row.state) ? 'ended' : 'goesOn';
    const key = `${kind} ${row.gate_epoch}`;
    const group = groups.get(key) ?? { kind, epoch: row.gate_epoch, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ kind, epoch, rows: all }) => {
    const parts: Part[] = [];
    for (let from = 0; from < all.length; from += ORDERS_PER_CALL) {
      parts.push({ kind, epoch, rows: all.slice(from, from + ORDERS_PER_CALL) });
    }
    return parts;
  });
}

function isEnded(state: OrderState): boolean {
  return state === 'cancelled' || state === 'expired';
}

function releaseOf(row: UntoldRow): Release {
  return {
    changeId: releaseIdOf(row.order_id),
    orderId: row.order_id,
    status: statusOfState(row.state),
    shopperId: row.shopper_id,
    units: row.gate_units,
    counted: row.quantity,
    changedAtMs: row.decided_at.getTime(),
  };
}

function stateWriteOf(row: UntoldRow): StateWrite {
  return {
    orderId: row.order_id,
    status: statusOfState(row.state),
    shopperId: row.shopper_id,
    quantity: 0,
    changedAtMs: row.decided_at.getTime(),
  };
}

function byItem(
  rows: readonly UntoldRow[],
): ReadonlyMap<string, { readonly item: ItemRef; readonly rows: UntoldRow[] }> {
  const groups = new Map<string, { readonly item: ItemRef; readonly rows: UntoldRow[] }>();
  for (const row of rows) {
    const item = { saleId: row.sale_id, productId: row.product_id };
    const group = groups.get(itemKeyOf(item)) ?? { item, rows: [] };
    group.rows.push(row);
    groups.set(itemKeyOf(item), group);
  }
  return groups;
}
