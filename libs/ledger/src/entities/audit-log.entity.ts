import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** Who changed what. Rows are only ever added. */
@Entity('audit_log')
export class AuditLogEntity {
  /** int8 as text; grows with time. */
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @CreateDateColumn({ type: 'timestamptz' })
  at!: Date;

  /** Name of the operator's key. */
  @Column({ type: 'text' })
  actor!: string;

  /** `sale.open`, `stock.change`, ... */
  @Column({ type: 'text' })
  action!: string;

  /** What was changed: a sale's id, or `<saleId>.<productId>`. */
  @Column({ type: 'text' })
  subject!: string;

  @Column({ type: 'jsonb', nullable: true })
  before!: unknown;

  @Column({ type: 'jsonb', nullable: true })
  after!: unknown;
}
