import { Check, Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN } from './columns';

/** A key that an owner gave out. The key itself is stored nowhere. */
@Entity('api_keys')
@Index('api_keys_digest', ['digest'], { unique: true })
@Check('api_keys_role', `role IN ('viewer', 'operator', 'owner', 'service')`)
export class ApiKeyEntity {
  @PrimaryColumn({ ...ID_COLUMN, primaryKeyConstraintName: 'api_keys_id' })
  id!: string;

  /** What the audit log calls its bearer. Several keys may have one name. */
  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  role!: 'viewer' | 'operator' | 'owner' | 'service';

  /** SHA-256 of the key, hex. */
  @Column(ID_COLUMN)
  digest!: string;

  /** Name of the owner's key. */
  @Column({ name: 'created_by', type: 'text' })
  createdBy!: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt!: Date | null;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt!: Date | null;
}
