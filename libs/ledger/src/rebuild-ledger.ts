import { itemName, statusOfState, type ItemRef, type OrderState, type SaleState } from '@flux/contracts';
import type { RebuiltOrder, ToldOrder } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import { DataSource, IsNull, type EntityManager } from 'typeorm';
import { toSafeInteger } from './entities/columns';
import { ItemEntity } from './entities/item.entity';
import { LedgerEntity } from './entities/ledger.entity';
import { LIVE_STATES } from './entities/order.entity';
import { noteChange } from './ledger-log';
import { freeUnits } from './ledger-row';
import { lockLedger } from './ledger-rows';

/** An item whose gate should be at work, as PostgreSQL has it. */
export interface GateSubject extends ItemRef {
  readonly saleState: Exclude<SaleState, 'scheduled' | 'retired'>;
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  readonly holdMs: number;
  readonly perShopperLimit: number;
  readonly epoch: number;
  readonly watermark: number;
  /** The highest that it knows of this epoch; above the watermark where some before it are missing. */
  readonly lastSequence: number;
  readonly suspendedReason: string | null;
  /** A rebuild of it was asked for or cut off. */
  readonly isRebuilding: boolean;
  /** No sale of the product was opened after this one. */
  readonly isCurrent: boolean;
}

export interface EpochRaise extends ItemRef {
  /** The ledger's. */
  readonly from: number;
  readonly to: number;
  /** The next offset of the item's partition: messages of older epochs from here on do not count. */
  readonly endOffset: bigint;
}

export type EpochRaiseOutcome =
  /** `available`: units that nobody has, counted in the same transaction. */
  | { readonly outcome: 'raised'; readonly available: number }
  /** The ledger is in another epoch by now: nothing changed. */
  | { readonly outcome: 'otherEpoch'; readonly epoch: number };

/** PostgreSQL's part in the rebuild of an item's gate. */
@Injectable()
export class RebuildLedger {
  constructor(private readonly dataSource: DataSource) {}

  /** Every item whose gate was opened and has not been retired. */
  async subjects(): Promise<readonly GateSubject[]> {
    const rows: SubjectRow[] = await this.dataSource.query(SUBJECTS);
    return rows.map(subjectOf);
  }

  async subject(
    { saleId, productId }: ItemRef,
    manager: EntityManager = this.dataSource.manager,
  ): Promise<GateSubject | undefined> {
    const rows: SubjectRow[] = await manager.query(
      `${SUBJECTS} AND items.sale_id = $1 AND items.product_id = $2`,
      [saleId, productId],
    );
    return rows.map(subjectOf)[0];
  }

  /**
   * Ends the older epochs at an offset up to which everything is applied, and counts what nobody has. Needs a gate that
   * is closed in every epoch up to `to`, or units that come back meanwhile would be counted twice or not at all.
   */
  async raiseEpoch({ from, to, endOffset, ...item }: EpochRaise): Promise<EpochRaiseOutcome> {
    return this.dataSource.transaction(async (manager) => {
      const { rows } = await lockLedger(manager, [item]);
      const ledger = rows.get(itemName(item));
      if (ledger === undefined) throw new Error(`${itemName(item)} has no row in the ledger`);
      if (ledger.epoch !== from) return { outcome: 'otherEpoch', epoch: ledger.epoch };
      await writeEpoch(manager, item, { epoch: to, endOffset });
      return { outcome: 'raised', available: freeUnits(ledger) };
    });
  }

  /**
   * An item's orders by their ids, in pages. Each order is read once: its record and what it counts for its shopper
   * come from the same row, whatever becomes of it afterwards. A row that is written meanwhile may be missing; it can
   * only be one that was refused as old-epoch.
   */
  async *orderPages(item: ItemRef, size: number): AsyncGenerator<readonly RebuiltOrder[], void, undefined> {
    const columns = 'order_id, shopper_id, quantity, fingerprint, state, accepted_at, decided_at, pass_id';
    for await (const rows of this.pages<OrderRow>(item, { columns, where: 'true', size })) {
      yield rows.map(rebuiltOrderOf);
    }
  }

  /**
   * What the gate was told of an item's orders, and has answered that it knows, by their ids, in pages. Without those
   * that have something to tell, and those that no gate may have accepted.
   */
  async *toldPages(item: ItemRef, size: number): AsyncGenerator<readonly ToldOrder[], void, undefined> {
    const where = "gate_epoch IS NULL AND state IN ('confirmed', 'paid', 'cancelled', 'expired')";
    for await (const rows of this.pages<ToldRow>(item, { columns: 'order_id, state', where, size })) {
      yield rows.map(({ order_id, state }) => ({ orderId: order_id, status: statusOfState(state) }));
    }
  }

  private async *pages<Row extends { readonly order_id: string }>(
    item: ItemRef,
    { columns, where, size }: { readonly columns: string; readonly where: string; readonly size: number },
  ): AsyncGenerator<readonly Row[], void, undefined> {
    // An id is `<sale>.<product>.<key>`, and `/` follows `.` in byte order: one range of the primary key.
    const name = itemName(item);
    let after = `${name}.`;
    for (;;) {
      const rows: Row[] = await this.dataSource.query(
        `SELECT ${columns} FROM orders
         WHERE order_id > $1 AND order_id < $2 AND ${where} ORDER BY order_id LIMIT $3`,
        [after, `${name}/`, size],
      );
      if (rows.length > 0) yield rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < size) return;
      after = last.order_id;
    }
  }

  /**
   * The item does not wait for a rebuild any more; from now on its gate counts as opened.
   * @returns false where the ledger is in another epoch by now: nothing changed
   */
  async liftSuspension({ saleId, productId }: ItemRef, epoch: number): Promise<boolean> {
    const item = { saleId, productId };
    return this.dataSource.transaction(async (manager) => {
      const { rows } = await lockLedger(manager, [item]);
      if (rows.get(itemName(item))?.epoch !== epoch) return false;
      await manager.update(LedgerEntity, item, { suspendedReason: null });
      const marked = { gateOpenedAt: () => 'now()' };
      await manager.update(ItemEntity, { ...item, gateOpenedAt: IsNull() }, marked);
      await noteChange(manager, item, { causes: ['resumed'], written: { item: true } });
      return true;
    });
  }
}

/** Under the ledger's lock. The suspension stays until the gate is whole. */
async function writeEpoch(
  manager: EntityManager,
  { saleId, productId }: ItemRef,
  { epoch, endOffset }: { readonly epoch: number; readonly endOffset: bigint },
): Promise<void> {
  // The last one that counts; null: none does.
  const epochOffset = endOffset === 0n ? null : String(endOffset - 1n);
  const noSequence = { watermark: 0, watermarkOrderId: '', ahead: [] };
  await manager.update(LedgerEntity, { saleId, productId }, { epoch, epochOffset, ...noSequence });
  await noteChange(manager, { saleId, productId }, { causes: ['epochRaised'] });
}

/** An item that was touched had a gate, even where the process that opened it died before it could say so. */
const SUBJECTS = `
  SELECT sale_id, product_id, sales.state, opens_at, closes_at, hold_ms, per_shopper_limit,
         epoch, watermark, coalesce((ahead -> -1 ->> 'to')::bigint, watermark) AS last_sequence, suspended_reason,
         EXISTS (SELECT FROM rebuilds WHERE rebuilds.sale_id = items.sale_id
                    AND rebuilds.product_id = items.product_id AND rebuilds.state = 'running') AS is_rebuilding,
         NOT EXISTS (SELECT FROM items later WHERE later.product_id = items.product_id
                        AND later.gate_opened_at > items.gate_opened_at) AS is_current
  FROM items JOIN ledger USING (sale_id, product_id) JOIN sales ON sales.id = sale_id
  WHERE sales.state IN ('open', 'paused', 'closed')
    AND (gate_opened_at IS NOT NULL OR epoch > 1 OR watermark > 0 OR held + sold + parked > 0)`;

interface SubjectRow {
  readonly sale_id: string;
  readonly product_id: string;
  readonly state: GateSubject['saleState'];
  readonly opens_at: Date;
  readonly closes_at: Date;
  readonly hold_ms: number;
  readonly per_shopper_limit: number;
  readonly epoch: number;
  readonly watermark: string;
  readonly last_sequence: string;
  readonly suspended_reason: string | null;
  readonly is_rebuilding: boolean;
  readonly is_current: boolean;
}

function subjectOf(row: SubjectRow): GateSubject {
  return {
    saleId: row.sale_id,
    productId: row.product_id,
    saleState: row.state,
    opensAtMs: row.opens_at.getTime(),
    closesAtMs: row.closes_at.getTime(),
    holdMs: row.hold_ms,
    perShopperLimit: row.per_shopper_limit,
    epoch: row.epoch,
    watermark: toSafeInteger(row.watermark),
    lastSequence: toSafeInteger(row.last_sequence),
    suspendedReason: row.suspended_reason,
    isRebuilding: row.is_rebuilding,
    isCurrent: row.is_current,
  };
}

type ToldRow = Pick<OrderRow, 'order_id' | 'state'>;

interface OrderRow {
  readonly order_id: string;
  readonly shopper_id: string;
  readonly quantity: number;
  readonly fingerprint: string;
  readonly state: OrderState;
  readonly accepted_at: Date;
  readonly decided_at: Date;
  readonly pass_id: string | null;
}

function rebuiltOrderOf(row: OrderRow): RebuiltOrder {
  const isLive = LIVE_STATES.some((live) => live === row.state);
  return {
    orderId: row.order_id,
    shopperId: row.shopper_id,
    quantity: row.quantity,
    fingerprint: row.fingerprint,
    acceptedAtMs: row.accepted_at.getTime(),
    status: statusOfState(row.state),
    changedAtMs: row.decided_at.getTime(),
    liveUnits: isLive ? row.quantity : 0,
    // A pass is good for one accepted order: what the ledger refused gives it back with the shopper's count, though a
    // gate that knew of the order keeps it until it is rebuilt. One that ended later was accepted.
    passId: row.state === 'rejected' ? undefined : (row.pass_id ?? undefined),
  };
}
