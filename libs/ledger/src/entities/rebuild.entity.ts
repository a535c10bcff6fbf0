import { Check, Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';
import { ID_COLUMN } from './columns';
import { ItemEntity } from './item.entity';

/** Why a gate is rebuilt. */
export const REBUILD_KINDS = [
  /** Redis went back in time: the ledger says so. */
  'suspended',
  /** Keys or fields of the gate are missing. */
  'lost',
  /** Redis came back with a gate from before an earlier rebuild. */
  'old-epoch',
  /** An operator asked for it. */
  'asked',
] as const;
export type RebuildKind = (typeof REBUILD_KINDS)[number];

/** The steps of a rebuild, in their order. */
export const REBUILD_PHASES = [
  'asked',
  /** The gate is closed where it still answers. */
  'closing',
  /** What its outbox holds and the ledger lacks goes to Kafka. */
  'relaying',
  /** The orders processes apply what Kafka has. */
  'waiting',
  /** The old gate goes, the epoch is raised and the units are counted. */
  'counting',
  /** Orders and shoppers' counts are written. */
  'writing',
  'opening',
  'open',
] as const;
export type RebuildPhase = (typeof REBUILD_PHASES)[number];

/** One rebuild of an item's gate, however many attempts it takes. */
@Entity('rebuilds')
@ForeignKey(() => ItemEntity, ['saleId', 'productId'], ['saleId', 'productId'], { name: 'rebuilds_item' })
@Check('rebuilds_kind', "kind IN ('suspended', 'lost', 'old-epoch', 'asked')")
@Check('rebuilds_state', "state IN ('running', 'done') AND (done_at IS NOT NULL) = (state = 'done')")
@Check(
  'rebuilds_phase',
  "phase IN ('asked', 'closing', 'relaying', 'waiting', 'counting', 'writing', 'opening', 'open')",
)
@Index('rebuilds_of_item', ['saleId', 'productId', 'id'])
@Index('rebuilds_one_at_a_time', ['saleId', 'productId'], { unique: true, where: "state = 'running'" })
export class RebuildEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  @Column({ ...ID_COLUMN, name: 'sale_id' })
  saleId!: string;

  @Column({ ...ID_COLUMN, name: 'product_id' })
  productId!: string;

  @Column({ type: 'text' })
  kind!: RebuildKind;

  @Column({ type: 'text' })
  reason!: string;

  /** Name of the operator's key, `system`, or the command. */
  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'text', default: 'running' })
  state!: 'running' | 'done';

  /** Of the last attempt. */
  @Column({ type: 'text', default: 'asked' })
  phase!: RebuildPhase;

  @Column({ type: 'integer', default: 0 })
  attempts!: number;

  /** Why an attempt ended early; the next one starts over. */
  @Column({ name: 'last_failure', type: 'text', nullable: true })
  lastFailure!: string | null;

  /** The ledger's, when it was asked for. */
  @Column({ name: 'from_epoch', type: 'integer' })
  fromEpoch!: number;

  /** The new one; null before it is raised. */
  @Column({ type: 'integer', nullable: true })
  epoch!: number | null;

  /** Outbox entries that went to Kafka, repeats included. */
  @Column({ type: 'integer', default: 0 })
  relayed!: number;

  /** Outbox entries that the gate did not write, or that no order process can apply: they are given up. */
  @Column({ type: 'integer', default: 0 })
  unreadable!: number;

  /** Orders written to the new gate. */
  @Column({ type: 'integer', default: 0 })
  orders!: number;

  /** Units that the new gate had to give away. */
  @Column({ type: 'integer', nullable: true })
  available!: number | null;

  @Column({ name: 'started_at', type: 'timestamptz', default: () => 'now()' })
  startedAt!: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt!: Date;

  @Column({ name: 'done_at', type: 'timestamptz', nullable: true })
  doneAt!: Date | null;
}
