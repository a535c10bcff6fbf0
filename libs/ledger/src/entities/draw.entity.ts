import { Column, CreateDateColumn, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { ID_COLUMN } from './columns';
import { SaleEntity } from './sale.entity';

/** The list that a sale's places are drawn from. Written before anybody sees it, so that a draw is repeated as it was. */
@Entity('draws')
@ForeignKey(() => SaleEntity, ['saleId'], ['id'], { name: 'draws_sale' })
export class DrawEntity {
  @PrimaryColumn({ ...ID_COLUMN, name: 'sale_id', primaryKeyConstraintName: 'draws_sale_id' })
  saleId!: string;

  /** SHA-256 of `ticketIds`, hex. */
  @Column({ name: 'list_hash', type: 'text' })
  listHash!: string;

  @Column({ type: 'integer' })
  tickets!: number;

  /** In byte order, joined by line feeds: 15 MB for a million. */
  @Column({ name: 'ticket_ids', type: 'text' })
  ticketIds!: string;

  @CreateDateColumn({ name: 'drawn_at', type: 'timestamptz' })
  drawnAt!: Date;
}
