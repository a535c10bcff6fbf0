import type { RejectionReason } from '@flux/contracts';
import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN, INT8_COLUMN } from './columns';

/** `parked` reads as `accepted` to the shopper. */
export const ORDER_STATES = ['confirmed', 'rejected', 'parked', 'cancelled', 'expired', 'paid'] as const;
export type OrderState = (typeof ORDER_STATES)[number];

/** States whose quantity counts against the shopper's limit. */
export const LIVE_STATES = ['confirmed', 'parked', 'paid'] as const satisfies readonly OrderState[];

/** One order. The id is its idempotency key's hash, so there is no other key column. */
@Entity('orders')
@Check(
  'orders_state',
  "state IN ('confirmed', 'rejected', 'parked', 'cancelled', 'expired', 'paid') AND (reason IS NOT NULL) = (state = 'rejected')",
)
@Check('orders_quantity', 'quantity >= 1 AND booked >= 0 AND booked <= quantity')
@Index('orders_of_shopper', ['shopperId', 'productId', 'saleId'])
@Index('orders_with_state_written_out', ['saleId', 'productId', 'epoch', 'sequence'], {
  where: "state <> 'confirmed'",
})
export class OrderEntity {
  @PrimaryColumn({ ...ID_COLUMN, name: 'order_id' })
  orderId!: string;

  @Column({ ...ID_COLUMN, name: 'sale_id' })
  saleId!: string;

  @Column({ ...ID_COLUMN, name: 'product_id' })
  productId!: string;

  @Column({ ...ID_COLUMN, name: 'shopper_id' })
  shopperId!: string;

  @Column({ type: 'integer' })
  quantity!: number;

  /** Stands for the payload, so that a rebuild can write the gate's record again. */
  @Column(ID_COLUMN)
  fingerprint!: string;

  @Column({ type: 'text' })
  state!: OrderState;

  /** Why it was rejected; null otherwise. */
  @Column({ type: 'text', nullable: true })
  reason!: RejectionReason | null;

  /** Units booked while parked; 0 otherwise. */
  @Column({ type: 'integer', default: 0 })
  booked!: number;

  @Column({ type: 'integer' })
  epoch!: number;

  @Column(INT8_COLUMN)
  sequence!: number;

  /** When the gate accepted it, by the gate's clock. */
  @Column({ name: 'accepted_at', type: 'timestamptz' })
  acceptedAt!: Date;

  /** When the ledger gave it this state, by PostgreSQL's clock. */
  @Column({ name: 'decided_at', type: 'timestamptz' })
  decidedAt!: Date;

  /** Until when a confirmed order holds its units; null in other states. */
  @Column({ name: 'hold_until', type: 'timestamptz', nullable: true })
  holdUntil!: Date | null;
}
