import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN, INT8_COLUMN } from './columns';
import { OrderEntity } from './order.entity';

export const PAYMENT_STATES = ['pending', 'applied', 'refund-due'] as const;
export type PaymentState = (typeof PAYMENT_STATES)[number];

/** Money that came for an order, once per payment id. Of one order at most one payment is `applied`. */
@Entity('payments')
@ForeignKey(() => OrderEntity, ['orderId'], ['orderId'], { name: 'payments_order' })
@Check('payments_state', "state IN ('pending', 'applied', 'refund-due')")
@Check('payments_amount', 'amount_minor >= 0')
@Index('payments_of_order', ['orderId'])
@Index('payments_one_for_an_order', ['orderId'], { unique: true, where: "state = 'applied'" })
@Index('payments_unfinished', ['createdAt'], { where: "state = 'pending' OR give_back_units IS NOT NULL" })
export class PaymentEntity {
  @PrimaryColumn({ ...ID_COLUMN, name: 'payment_id' })
  paymentId!: string;

  @Column({ ...ID_COLUMN, name: 'order_id' })
  orderId!: string;

  @Column({ ...INT8_COLUMN, name: 'amount_minor' })
  amountMinor!: number;

  @Column({ type: 'text' })
  currency!: string;

  /** Who took the money: `stripe`, `demo`; null where the shop did. */
  @Column({ type: 'text', nullable: true })
  provider!: string | null;

  /** `pending`: it came late, and its units are being taken from the gate. */
  @Column({ type: 'text' })
  state!: PaymentState;

  /** The epoch in which the gate was, or is, asked for the units of a late payment; null where it was not. */
  @Column({ type: 'integer', nullable: true })
  epoch!: number | null;

  /** Refused after the gate gave units: so many it still has to get back, with the shopper's count. Null: nothing. */
  @Column({ name: 'give_back_units', type: 'integer', nullable: true })
  giveBackUnits!: number | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'decided_at', type: 'timestamptz', nullable: true })
  decidedAt!: Date | null;
}
