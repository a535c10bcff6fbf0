import { Column, CreateDateColumn, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { ID_COLUMN } from './columns';
import { SaleEntity } from './sale.entity';

/** How a sale's units were spread over networks, addresses and devices, as it was when the sale left Redis. */
@Entity('concentrations')
@ForeignKey(() => SaleEntity, ['saleId'], ['id'], { name: 'concentrations_sale' })
export class ConcentrationEntity {
  @PrimaryColumn({ ...ID_COLUMN, name: 'sale_id', primaryKeyConstraintName: 'concentrations_sale_id' })
  saleId!: string;

  /** The figures of each kind, as the operator API shows them. */
  @Column({ type: 'jsonb' })
  figures!: unknown;

  @CreateDateColumn({ name: 'kept_at', type: 'timestamptz' })
  keptAt!: Date;
}
