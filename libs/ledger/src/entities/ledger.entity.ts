import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { SequenceRange } from '../advance-watermark';
import { ID_COLUMN, INT8_COLUMN } from './columns';
import { ItemEntity } from './item.entity';

/**
 * The truth about an item's units, one row per item. Every transaction that changes an order locks this row first.
 * The check is the backstop against overselling; the flow never relies on it.
 */
@Entity('ledger')
@ForeignKey(() => ItemEntity, ['saleId', 'productId'], ['saleId', 'productId'], { name: 'ledger_item' })
@Check('ledger_never_oversold', 'held + sold + parked <= initial')
@Check('ledger_not_negative', 'initial >= 0 AND held >= 0 AND sold >= 0 AND parked >= 0')
export class LedgerEntity {
  @PrimaryColumn({ ...ID_COLUMN, name: 'sale_id' })
  saleId!: string;

  @PrimaryColumn({ ...ID_COLUMN, name: 'product_id' })
  productId!: string;

  /** Units put on sale, stock changes included. */
  @Column({ type: 'integer' })
  initial!: number;

  /** Units of confirmed orders. */
  @Column({ type: 'integer', default: 0 })
  held!: number;

  /** Units of paid orders. */
  @Column({ type: 'integer', default: 0 })
  sold!: number;

  /** Units booked for parked orders. */
  @Column({ type: 'integer', default: 0 })
  parked!: number;

  @Column({ type: 'integer', default: 1 })
  epoch!: number;

  /**
   * Kafka offset at which the older epochs ended, as text (int8): their events beyond it are refused. Null before
   * the first rebuild.
   */
  @Column({ name: 'epoch_offset', type: 'bigint', nullable: true })
  epochOffset!: string | null;

  /** The sequence of this epoch up to which nothing is missing. */
  @Column({ ...INT8_COLUMN, default: 0 })
  watermark!: number;

  /** The order with the watermark's sequence; empty while the watermark is 0. */
  @Column({ ...ID_COLUMN, name: 'watermark_order_id', default: '' })
  watermarkOrderId!: string;

  /** What was applied beyond a gap. */
  @Column({ type: 'jsonb', default: [] })
  ahead!: SequenceRange[];

  /** Why the item waits for a rebuild; null where it does not. */
  @Column({ name: 'suspended_reason', type: 'text', nullable: true })
  suspendedReason!: string | null;

  /**
   * Counts the transactions that changed the item or its orders: each has one message in `ledger-events.v1`. 0 only
   * inside of the transaction that makes the item.
   */
  @Column({ ...INT8_COLUMN, default: 1 })
  version!: number;

  /** When the last of them began. With `version` it tells two histories of one item apart. */
  @Column({ name: 'changed_at', type: 'timestamptz', default: () => 'now()' })
  changedAt!: Date;

  /** `changedAt` of the version before. */
  @Column({ name: 'previous_at', type: 'timestamptz', nullable: true })
  previousAt!: Date | null;
}
