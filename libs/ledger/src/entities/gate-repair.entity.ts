import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN, INT8_COLUMN } from './columns';
import { ItemEntity } from './item.entity';

/** One correction of a gate's stock. The row is there before the gate is touched, so that no crash hides one. */
@Entity('gate_repairs')
@ForeignKey(() => ItemEntity, ['saleId', 'productId'], ['saleId', 'productId'], { name: 'gate_repairs_item' })
@Check('gate_repairs_state', "state IN ('pending', 'applied')")
@Index('gate_repairs_pending', ['createdAt'], { where: "state = 'pending'" })
export class GateRepairEntity {
  /** Known to the gate as `repair:<id>`. */
  @PrimaryColumn(ID_COLUMN)
  id!: string;

  @Column({ ...ID_COLUMN, name: 'sale_id' })
  saleId!: string;

  @Column({ ...ID_COLUMN, name: 'product_id' })
  productId!: string;

  /** The gate as it was seen. */
  @Column({ type: 'integer' })
  epoch!: number;

  @Column(INT8_COLUMN)
  version!: number;

  /** Units: positive gives, negative takes. */
  @Column({ type: 'integer' })
  delta!: number;

  /** Units that the gate had, and those that the ledger had free. */
  @Column({ type: 'integer' })
  available!: number;

  @Column({ type: 'integer' })
  expected!: number;

  @Column({ type: 'text', default: 'pending' })
  state!: 'pending' | 'applied';

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt!: Date | null;
}
