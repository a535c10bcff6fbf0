import { Check, Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';
import { ID_COLUMN } from './columns';

/** Whom operators deny, or let through without limits. One that has expired is in force no longer, and goes soon. */
@Entity('access_rules')
@Unique('access_rules_value', ['list', 'kind', 'value'])
@Check('access_rules_list', `list IN ('allow', 'deny')`)
@Check('access_rules_kind', `kind IN ('cidr', 'shopper')`)
export class AccessRuleEntity {
  /** int8 as text; grows with time. */
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'access_rules_id',
  })
  id!: string;

  @Column({ type: 'text' })
  list!: 'allow' | 'deny';

  @Column({ type: 'text' })
  kind!: 'cidr' | 'shopper';

  /** A network in its one spelling, or a shopper's id. */
  @Column(ID_COLUMN)
  value!: string;

  @Column({ type: 'text' })
  reason!: string;

  /** Name of the operator's key. */
  @Column({ name: 'created_by', type: 'text' })
  createdBy!: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;
}
