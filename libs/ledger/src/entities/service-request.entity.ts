import { Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN } from './columns';

/** What a request of the shop's backend was answered under its idempotency key. */
@Entity('service_requests')
@Index('service_requests_age', ['createdAt'])
export class ServiceRequestEntity {
  /** Hash of service, route and key. */
  @PrimaryColumn(ID_COLUMN)
  id!: string;

  /** Stands for the order and the body. */
  @Column(ID_COLUMN)
  fingerprint!: string;

  /** Null until it is answered for good. */
  @Column({ type: 'integer', nullable: true })
  status!: number | null;

  @Column({ type: 'jsonb', nullable: true })
  body!: unknown;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;
}
