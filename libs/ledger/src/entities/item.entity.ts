import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ID_COLUMN, INT8_COLUMN } from './columns';
import { SaleEntity } from './sale.entity';

/** A product in a sale: what the operator set. What is taken of it stands in the ledger. */
@Entity('items')
@ForeignKey(() => SaleEntity, ['saleId'], ['id'], { name: 'items_sale' })
@Check('items_price', 'price_minor >= 0')
@Check('items_limit', 'per_shopper_limit >= 1')
@Index('items_one_open_sale', ['productId'], { unique: true, where: 'live' })
export class ItemEntity {
  @PrimaryColumn({ ...ID_COLUMN, name: 'sale_id' })
  saleId!: string;

  @PrimaryColumn({ ...ID_COLUMN, name: 'product_id' })
  productId!: string;

  /** Place in the sale's list, from 0. */
  @Column({ type: 'integer', default: 0 })
  position!: number;

  @Column({ type: 'text' })
  name!: string;

  @Column({ ...INT8_COLUMN, name: 'price_minor' })
  priceMinor!: number;

  @Column({ type: 'text' })
  currency!: string;

  @Column({ name: 'per_shopper_limit', type: 'integer' })
  perShopperLimit!: number;

  /** When the gate was opened for the first time; null before. */
  @Column({ name: 'gate_opened_at', type: 'timestamptz', nullable: true })
  gateOpenedAt!: Date | null;

  /** True from opening to closing: a product is live in one sale at most. */
  @Column({ type: 'boolean', default: false })
  live!: boolean;
}
