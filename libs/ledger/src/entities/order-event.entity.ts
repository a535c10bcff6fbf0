import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { StoredRun } from '../order-events';
import { ID_COLUMN } from './columns';

/**
 * What one transaction changed of one item's orders, until it is published. Rows of one item are numbered in the order
 * in which their transactions committed, since each held the item's ledger row.
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

  /** In the order of the changes; `eventsOfRuns` makes events of them. */
  @Column({ type: 'json' })
  events!: StoredRun[];
}
