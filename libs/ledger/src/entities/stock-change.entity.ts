import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN } from './columns';
import { ItemEntity } from './item.entity';

export const STOCK_CHANGE_STATES = ['pending', 'applied', 'refused'] as const;
export type StockChangeState = (typeof STOCK_CHANGE_STATES)[number];

/** One change of an item's stock: applied once at the gate and once in the ledger, under one id. */
@Entity('stock_changes')
@ForeignKey(() => ItemEntity, ['saleId', 'productId'], ['saleId', 'productId'], {
  name: 'stock_changes_item',
})
@Check('stock_changes_state', "state IN ('pending', 'applied', 'refused')")
@Index('stock_changes_of_item', ['saleId', 'productId'])
@Index('stock_changes_pending', ['createdAt'], { where: "state = 'pending'" })
export class StockChangeEntity {
  @PrimaryColumn(ID_COLUMN)
  id!: string;

  @Column({ ...ID_COLUMN, name: 'sale_id' })
  saleId!: string;

  @Column({ ...ID_COLUMN, name: 'product_id' })
  productId!: string;

  /** Units: positive gives, negative takes. */
  @Column({ type: 'integer' })
  delta!: number;

  @Column({ type: 'text' })
  reason!: string;

  @Column({ type: 'text' })
  actor!: string;

  /** The epoch its first step saw; null while no step is done. */
  @Column({ type: 'integer', nullable: true })
  epoch!: number | null;

  @Column({ type: 'text', default: 'pending' })
  state!: StockChangeState;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt!: Date | null;
}
