import type { SaleState } from '@flux/contracts';
import { Check, Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';
import { ID_COLUMN, INT8_COLUMN } from './columns';

/** A sale as the operator defined it, with the state it is in. */
@Entity('sales')
@Check('sales_state', "state IN ('scheduled', 'open', 'paused', 'closed', 'retired')")
@Check('sales_window', 'closes_at > opens_at')
export class SaleEntity {
  @PrimaryColumn(ID_COLUMN)
  id!: string;

  @Column({ type: 'text' })
  name!: string;

  @Column({ type: 'text', default: 'scheduled' })
  state!: SaleState;

  @Column({ name: 'opens_at', type: 'timestamptz' })
  opensAt!: Date;

  @Column({ name: 'closes_at', type: 'timestamptz' })
  closesAt!: Date;

  /** How long a confirmed order holds its units. */
  @Column({ name: 'hold_ms', type: 'integer' })
  holdMs!: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz' })
  createdAt!: Date;

  @Column({ name: 'closed_at', type: 'timestamptz', nullable: true })
  closedAt!: Date | null;

  @Column({ name: 'retired_at', type: 'timestamptz', nullable: true })
  retiredAt!: Date | null;

  /** How long after closing the shoppers' identities are kept; null: for ever. */
  @Column({ ...INT8_COLUMN, name: 'retention_ms', nullable: true })
  retentionMs!: number | null;

  /** When the shoppers' identities were removed. */
  @Column({ name: 'forgotten_at', type: 'timestamptz', nullable: true })
  forgottenAt!: Date | null;

  /** Refusals by error code, copied from Redis before the sale leaves it; null before. */
  @Column({ type: 'jsonb', nullable: true })
  refusals!: Record<string, number> | null;

  /** Counts the changes of this row: each item's messages carry it, and a replay takes the newest. */
  @Column({ ...INT8_COLUMN, default: 1 })
  version!: number;
}
