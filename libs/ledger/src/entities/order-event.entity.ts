import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { ItemNotes } from '../ledger-log';
import type { StoredRun } from '../stored-runs';
import { ID_COLUMN } from './columns';

/**
 * What one transaction changed of one item, until it is published. Rows of one item are numbered in the order in which
 * their transactions committed, since each held the item's ledger row. A release without `ledger-events.v1` reads and
 * writes the first four columns only.
 */
@Entity('order_events')
export class OrderEventEntity {
  /** int8 as text. */
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @Column({ ...ID_COLUMN, name: 'sale_id' })
  saleId!: string;

  @Column({ ...ID_COLUMN, name: 'product_id' })
  productId!: string;

  /** Orders whose shoppers read another status now, in the order of the changes; `eventsOfRuns` makes events of them. */
  @Column({ type: 'json' })
  events!: StoredRun[];

  /** Of the item's ledger row, int8 as text; null in rows of the release before. */
  @Column({ type: 'bigint', nullable: true })
  version!: string | null;

  /** The ledger row after the transaction, as `row_to_json` writes it. */
  @Column({ type: 'json', nullable: true })
  ledger!: Record<string, unknown> | null;

  /** What else changed of the item's orders, and why the ledger did. */
  @Column({ type: 'json', nullable: true })
  more!: ItemNotes | null;

  /** Rows of other tables after the transaction, by table. */
  @Column({ type: 'json', nullable: true })
  rows!: Record<string, Record<string, unknown>[] | null> | null;
}
