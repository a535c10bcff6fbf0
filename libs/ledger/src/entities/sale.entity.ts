import type { Admission, SaleState } from '@flux/contracts';
import { Check, Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';
import { ID_COLUMN, INT8_COLUMN } from './columns';

/** What was drawn, once the room has it: which list is in `draws`. */
export interface DrawnList {
  /** SHA-256 of the ticket ids, hex. */
  readonly listHash: string;
  readonly tickets: number;
  readonly drawnAt: string;
}

const NO_ROOM: Admission = {
  mode: 'off',
  ratePerSecond: 10_000,
  passMs: 120_000,
  longestPollMs: 10_000,
  silentMs: 75_000,
  graceMs: 180_000,
};

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

  /** One value: configuration that is checked as a whole and never asked for in part. */
  @Column({ type: 'jsonb', default: NO_ROOM })
  admission!: Admission;

  /** Counts the changes of what is published of the room. */
  @Column({ name: 'room_version', type: 'integer', default: 1 })
  roomVersion!: number;

  /** Secret of the room's ticket ids, 32 bytes in hex. By the database only where the release before made the sale. */
  @Column({
    name: 'room_salt',
    type: 'text',
    default: () => "encode(sha256((uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))), 'hex')",
  })
  roomSalt!: string;

  /** From then on a Redis without the room has lost it. */
  @Column({ name: 'room_begun_at', type: 'timestamptz', nullable: true })
  roomBegunAt!: Date | null;

  /** 32 bytes in hex, secret until the draw; null without a lobby. */
  @Column({ name: 'draw_seed', type: 'text', nullable: true })
  drawSeed!: string | null;

  /** What the public beacon said. */
  @Column({ name: 'beacon_value', type: 'text', nullable: true })
  beaconValue!: string | null;

  /** Null until the ranks are given: only then may gateways hear of it. */
  @Column({ type: 'jsonb', nullable: true })
  draw!: DrawnList | null;
}
