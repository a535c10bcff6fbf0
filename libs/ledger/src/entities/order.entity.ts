import type { OrderState, OrderStatus } from '@flux/contracts';
import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN, INT8_COLUMN } from './columns';

/** States whose quantity counts against the shopper's limit. */
export const LIVE_STATES = ['confirmed', 'parked', 'paid'] as const satisfies readonly OrderState[];

/** What an order was before its present state. */
export interface PastState {
  readonly status: OrderStatus;
  /** RFC 3339. */
  readonly at: string;
  readonly reason?: string;
}

/** One order. The id is its idempotency key's hash, so there is no other key column. */
@Entity('orders')
@Check(
  'orders_state',
  "state IN ('confirmed', 'rejected', 'parked', 'cancelled', 'expired', 'paid') AND (state <> 'rejected' OR reason IS NOT NULL)",
)
@Check('orders_cancel', '(cancel_epoch IS NULL) = (cancel_sequence IS NULL)')
@Check('orders_hold', "(hold_until IS NOT NULL) = (state = 'confirmed')")
@Check('orders_gate_units', 'gate_units >= 0 AND gate_units <= quantity')
@Check('orders_quantity', 'quantity >= 1 AND booked >= 0 AND booked <= quantity')
@Index('orders_of_shopper', ['shopperId', 'productId', 'saleId'])
@Index('orders_held', ['holdUntil'], { where: "state = 'confirmed'" })
@Index('orders_untold', ['decidedAt'], { where: 'gate_epoch IS NOT NULL' })
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

  /** Of the waiting room's pass that it redeemed, so that a rebuild can write that again; null where it redeemed none. */
  @Column({ ...ID_COLUMN, name: 'pass_id', nullable: true })
  passId!: string | null;

  @Column({ type: 'text' })
  state!: OrderState;

  /** Why it was rejected (contracts, REJECTION_REASONS), or why the shop cancelled it; null otherwise. */
  @Column({ type: 'text', nullable: true })
  reason!: string | null;

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

  /** Epoch and sequence of the shopper's wish to cancel it; null where none came. */
  @Column({ name: 'cancel_epoch', type: 'integer', nullable: true })
  cancelEpoch!: number | null;

  @Column({ ...INT8_COLUMN, name: 'cancel_sequence', nullable: true })
  cancelSequence!: number | null;

  /** The states before this one, oldest first; null where this is its first. */
  @Column({ type: 'jsonb', nullable: true })
  history!: PastState[] | null;

  /** The epoch in which the gate still has to be told of the state; null where it has been, or hears of it by settle. */
  @Column({ name: 'gate_epoch', type: 'integer', nullable: true })
  gateEpoch!: number | null;

  /** Units that the gate gets back when it is told. */
  @Column({ name: 'gate_units', type: 'integer', default: 0 })
  gateUnits!: number;
}
