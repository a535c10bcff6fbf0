import { noteSale, SaleEntity } from '@flux/ledger';
import { RoomClient } from '@flux/waiting-room';
import { Injectable } from '@nestjs/common';
import { DataSource, Not } from 'typeorm';
import { inSlices } from '../gate-driver/in-slices';
import { lockSale } from '../sales/sale.repository';
import { roomConfigOf } from './room-config-of';

/**
 * Keeps the rooms of sales in Redis as PostgreSQL has them. A room is there from the sale's definition on, since its
 * lobby may open before the sale does. Whoever comes late writes nothing over newer settings: they are counted.
 */
@Injectable()
export class RoomPublisher {
  constructor(
    private readonly dataSource: DataSource,
    private readonly rooms: RoomClient,
  ) {}

  /**
   * @returns whether something had to be written
   * @throws GateUnavailableError
   */
  async publish(saleId: string): Promise<boolean> {
    const sale = await this.dataSource.manager.findOneByOrFail(SaleEntity, { id: saleId });
    // Its keys have an end.
    if (sale.state === 'retired') return false;
    const config = roomConfigOf(sale);
    if (await this.rooms.isPublished(config)) return false;
    const hasBegun = sale.roomBegunAt !== null || (await this.begin(saleId));
    return (await this.rooms.publish(config, hasBegun)) !== 'kept';
  }

  /** Publishes what Redis lacks, or has in an older version. @throws GateUnavailableError */
  async publishMissing(): Promise<void> {
    const sales = await this.dataSource.manager.find(SaleEntity, {
      select: { id: true, roomVersion: true },
      where: { state: Not('retired') },
      order: { createdAt: 'ASC', id: 'ASC' },
    });
    for (const slice of inSlices(sales)) {
      const published = await Promise.all(
        slice.map(({ id, roomVersion }) => this.rooms.isPublished({ saleId: id, version: roomVersion })),
      );
      for (const { id } of slice.filter((_, index) => published[index] === false)) await this.publish(id);
    }
  }

  /** Dates the end of everything that the room has. @throws GateUnavailableError */
  async retire(saleId: string, endsAtMs: number): Promise<void> {
    await this.rooms.retire(saleId, endsAtMs);
  }

  /**
   * Notes that there is a room, before there is one: after a crash in between the first line waits for those who were
   * never there, for one poll; the other way round a lost line would not form again.
   * @returns whether it was noted before
   */
  private async begin(saleId: string): Promise<boolean> {
    return this.dataSource.transaction(async (manager) => {
      const { roomBegunAt } = await lockSale(manager, saleId, 'change');
      if (roomBegunAt !== null) return true;
      await manager.query('UPDATE sales SET room_begun_at = now() WHERE id = $1', [saleId]);
      await noteSale(manager, saleId, { causes: ['saleChanged'], written: { sale: true } });
      return false;
    });
  }
}
