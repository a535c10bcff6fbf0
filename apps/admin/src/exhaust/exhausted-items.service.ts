import { type ItemRef, itemName } from '@flux/contracts';
import { GateClient } from '@flux/gate';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { inSlices } from '../gate-driver/in-slices';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { type EmptyGate, emptyGateOf, isSpent, type SpentLedger } from './spent-item';
import { readGateItem } from '../reconcile/read-gate-item';

/** A part of the second within which whoever waits in vain hears of it. */
const PAUSE_MS = 250;

/** The counters alone: most items are told apart by them. */
const ALL_PAID = 'sold = initial AND held = 0 AND parked = 0 AND suspended_reason IS NULL';

/**
 * What is begun and may still give units to the gate: orders that it was not told of, stock changes, late payments,
 * corrections of the reconciler, a rebuild.
 */
const OF_ITEM = 'of_item.sale_id = ledger.sale_id AND of_item.product_id = ledger.product_id';
const NOTHING_UNDER_WAY = [
  `orders AS of_item WHERE ${OF_ITEM} AND of_item.gate_epoch IS NOT NULL`,
  `stock_changes AS of_item WHERE ${OF_ITEM} AND of_item.state = 'pending'`,
  `payments JOIN orders AS of_item USING (order_id)
   WHERE ${OF_ITEM} AND (payments.state = 'pending' OR payments.give_back_units IS NOT NULL)`,
  `gate_repairs AS of_item WHERE ${OF_ITEM} AND of_item.state = 'pending'`,
  `rebuilds AS of_item WHERE ${OF_ITEM} AND of_item.state = 'running'`,
]
  .map((rows) => `NOT EXISTS (SELECT FROM ${rows})`)
  .join(' AND ');

/**
 * Tells the gates of items of which every unit is paid for: whoever waits for one is told so, instead of waiting for a
 * return that cannot come. Units that an operator adds undo it by themselves, since they begin another version of the
 * gate. Harmless in any number of processes.
 */
@Injectable()
export class ExhaustedItems {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
    @Inject(LOG) private readonly log: Log,
  ) {}

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'exhausting', pauseMs: PAUSE_MS, work: () => this.tellAll() }];
  }

  /**
   * One statement where nothing is sold out; one more for all items whose gates are empty.
   * @throws where Redis or PostgreSQL cannot be asked; the next round goes on
   */
  async tellAll(): Promise<void> {
    for (const slice of inSlices(await this.candidates())) {
      const gates = await Promise.all(slice.map((item) => readGateItem(this.gate, item)));
      const empty = slice.flatMap((item, index) => emptyGateOf(item, gates[index]) ?? []);
      if (empty.length > 0) await this.tell(empty);
    }
  }

  private async tell(gates: readonly EmptyGate[]): Promise<void> {
    const ledgers = new Map((await this.spent(gates)).map((ledger) => [itemName(ledger), ledger]));
    for (const gate of gates) {
      if (!isSpent(gate, ledgers.get(itemName(gate)))) continue;
      const { outcome } = await this.gate.exhaust(gate);
      const { saleId, productId } = gate;
      if (outcome === 'done') this.log.info({ saleId, productId }, 'every unit is paid for: the line ends');
    }
  }

  private async candidates(): Promise<readonly ItemRef[]> {
    return this.dataSource.query(
      `SELECT sale_id AS "saleId", product_id AS "productId" FROM items JOIN ledger USING (sale_id, product_id)
       WHERE live AND ${ALL_PAID} ORDER BY sale_id, product_id`,
    );
  }

  /** Of these items, in one statement: counters and what is under way are of the same moment. */
  private async spent(items: readonly ItemRef[]): Promise<readonly SpentLedger[]> {
    const rows: readonly (ItemRef & { readonly epoch: number; readonly watermark: string })[] =
      await this.dataSource.query(
        `SELECT sale_id AS "saleId", product_id AS "productId", epoch, watermark FROM ledger
         WHERE (sale_id, product_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
           AND ${ALL_PAID} AND ${NOTHING_UNDER_WAY}`,
        [items.map(({ saleId }) => saleId), items.map(({ productId }) => productId)],
      );
    return rows.map((row) => ({ ...row, watermark: Number(row.watermark) }));
  }
}
