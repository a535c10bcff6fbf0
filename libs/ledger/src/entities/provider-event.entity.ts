import { Check, Column, CreateDateColumn, Entity, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN } from './columns';

/** An event of a payment provider, stored before it has an effect, without anything of the payer. */
@Entity('provider_events')
@Check('provider_events_state', "state IN ('received', 'done')")
@Index('provider_events_waiting', ['receivedAt'], { where: "state = 'received'" })
export class ProviderEventEntity {
  @PrimaryColumn({ type: 'text' })
  provider!: string;

  @PrimaryColumn({ ...ID_COLUMN, name: 'event_id' })
  eventId!: string;

  @Column({ type: 'text' })
  type!: string;

  /** What its effect needs: ids, amount, currency. */
  @Column({ type: 'jsonb' })
  content!: unknown;

  @Column({ type: 'text', default: 'received' })
  state!: 'received' | 'done';

  @CreateDateColumn({ name: 'received_at', type: 'timestamptz' })
  receivedAt!: Date;

  @Column({ name: 'done_at', type: 'timestamptz', nullable: true })
  doneAt!: Date | null;
}
