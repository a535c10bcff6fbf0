import type { OrderStatusEvent } from '@flux/contracts';
import {
  Check,
  Column,
  CreateDateColumn,
  Entity,
  ForeignKey,
  Index,
  PrimaryColumn,
  PrimaryGeneratedColumn,
} from 'typeorm';
import { ID_COLUMN } from './columns';

/** Where the shop wants to hear of its orders. */
@Entity('webhook_endpoints')
export class WebhookEndpointEntity {
  @PrimaryColumn(ID_COLUMN)
  id!: string;

  @Column({ type: 'text' })
  url!: string;

  /** Signing secrets, the newest first: two while one is replaced. */
  @Column({ type: 'text', array: true })
  secrets!: string[];

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'removed_at', type: 'timestamptz', nullable: true })
  removedAt!: Date | null;
}

export type WebhookDeliveryState = 'pending' | 'delivered' | 'parked';

/** One event on its way to one endpoint. */
@Entity('webhook_deliveries')
@ForeignKey(() => WebhookEndpointEntity, ['endpointId'], ['id'], { name: 'webhook_deliveries_endpoint' })
@Check('webhook_deliveries_state', "state IN ('pending', 'delivered', 'parked')")
@Index('webhook_deliveries_due', ['endpointId', 'nextAt'], { where: "state = 'pending'" })
export class WebhookDeliveryEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @Column({ ...ID_COLUMN, name: 'endpoint_id' })
  endpointId!: string;

  @Column({ type: 'jsonb' })
  event!: OrderStatusEvent;

  @Column({ type: 'text', default: 'pending' })
  state!: WebhookDeliveryState;

  @Column({ type: 'integer', default: 0 })
  attempts!: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'next_at', type: 'timestamptz', default: () => 'now()' })
  nextAt!: Date;

  @Column({ name: 'last_failure', type: 'text', nullable: true })
  lastFailure!: string | null;

  @Column({ name: 'done_at', type: 'timestamptz', nullable: true })
  doneAt!: Date | null;
}
