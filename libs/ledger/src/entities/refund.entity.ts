import { Check, Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN, INT8_COLUMN } from './columns';

export type RefundState = 'due' | 'done';

/** Money that has to go back, or went back: one row per payment. */
@Entity('refunds')
@Check('refunds_state', "state IN ('due', 'done')")
@Index('refunds_of_order', ['orderId'])
@Index('refunds_due', ['createdAt'], { where: "state = 'due'" })
export class RefundEntity {
  @PrimaryColumn({ ...ID_COLUMN, name: 'payment_id' })
  paymentId!: string;

  @Column({ ...ID_COLUMN, name: 'order_id' })
  orderId!: string;

  @Column({ ...INT8_COLUMN, name: 'amount_minor' })
  amountMinor!: number;

  @Column({ type: 'text' })
  currency!: string;

  @Column({ type: 'text', nullable: true })
  provider!: string | null;

  @Column({ type: 'text' })
  reason!: string;

  @Column({ type: 'text', default: 'due' })
  state!: RefundState;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'done_at', type: 'timestamptz', nullable: true })
  doneAt!: Date | null;
}
