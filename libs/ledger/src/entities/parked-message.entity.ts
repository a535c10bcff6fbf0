import { Check, Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';
import { ID_COLUMN, INT8_COLUMN } from './columns';

export const PARKED_STATES = ['parked', 'retried', 'discarded'] as const;
export type ParkedState = (typeof PARKED_STATES)[number];

/** A Kafka message that could not be processed, as it came, with what was booked for it. */
@Entity('parked_messages')
@Check('parked_messages_state', "state IN ('parked', 'retried', 'discarded')")
@Unique('parked_messages_once', ['topic', 'partition', 'messageOffset'])
export class ParkedMessageEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @Column({ type: 'text' })
  topic!: string;

  @Column({ type: 'integer' })
  partition!: number;

  /** Kafka offset as text (int8). */
  @Column({ name: 'message_offset', type: 'bigint' })
  messageOffset!: string;

  @Column({ type: 'bytea', nullable: true })
  key!: Buffer | null;

  @Column({ type: 'bytea', nullable: true })
  value!: Buffer | null;

  /** Values as UTF-8; U+0000, which PostgreSQL's text cannot hold, is replaced by U+FFFD. */
  @Column({ type: 'jsonb' })
  headers!: Record<string, string>;

  @Column({ type: 'text' })
  reason!: string;

  /** Null, as the three below it, where the headers did not say. */
  @Column({ ...ID_COLUMN, name: 'sale_id', nullable: true })
  saleId!: string | null;

  @Column({ ...ID_COLUMN, name: 'product_id', nullable: true })
  productId!: string | null;

  @Column({ type: 'integer', nullable: true })
  epoch!: number | null;

  @Column({ ...INT8_COLUMN, name: 'first_sequence', nullable: true })
  firstSequence!: number | null;

  /** Orders that this message put into state `parked`. */
  @Column({ name: 'order_count', type: 'integer', default: 0 })
  orderCount!: number;

  /** Units booked for them when it was parked. */
  @Column({ type: 'integer', default: 0 })
  booked!: number;

  @Column({ type: 'text', default: 'parked' })
  state!: ParkedState;

  @CreateDateColumn({ name: 'parked_at', type: 'timestamptz' })
  parkedAt!: Date;

  @Column({ name: 'resolved_at', type: 'timestamptz', nullable: true })
  resolvedAt!: Date | null;
}
