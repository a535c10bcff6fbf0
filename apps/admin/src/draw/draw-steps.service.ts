import { DrawEntity, type SaleEntity } from '@flux/ledger';
import { rankOf, RoomClient, type RoomLook } from '@flux/waiting-room';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { lockSale } from '../sales/sale.repository';
import { RoomPublisher } from '../waiting-room/room-publisher';
import { insertDraw, noteDrawn } from './draw.repository';
import { drawnTicketsOf, ticketIdsOf } from './drawn-tickets';

/** Ranks that are computed in one go, about 20 ms: requests get their turn in between. */
const RANKS_AT_ONCE = 5_000;

/** The steps of one draw. Each may be done again after a crash between any two lines, and has the same result. */
@Injectable()
export class DrawSteps {
  constructor(
    private readonly dataSource: DataSource,
    private readonly rooms: RoomClient,
    private readonly publisher: RoomPublisher,
  ) {}

  /**
   * Closes the list that is drawn from: once it is in PostgreSQL it never changes, and nothing of it was shown before. It
   * does not wait for the beacon: the list is closed before the server knows what decides about it.
   * @returns false where it is too early
   */
  async close(sale: SaleEntity): Promise<boolean> {
    if (await this.dataSource.manager.existsBy(DrawEntity, { saleId: sale.id })) return true;
    const ticketIds = await this.lobby(sale);
    if (ticketIds === undefined) return false;
    return this.dataSource.transaction(async (manager) => {
      const { state } = await lockSale(manager, sale.id, 'keep');
      if (state === 'closed' || state === 'retired') return false;
      await insertDraw(manager, { saleId: sale.id, ...drawnTicketsOf(ticketIds) });
      return true;
    });
  }

  /**
   * Gives everybody of the closed list the rank, and only then tells the gateways, which begin to call.
   * @throws where the signal aborts
   */
  async give(sale: SaleEntity, seed: string, signal: AbortSignal): Promise<DrawEntity> {
    const draw = await this.dataSource.manager.findOneByOrFail(DrawEntity, { saleId: sale.id });
    const ticketIds = ticketIdsOf(draw);
    await this.rooms.keepDrawn(sale.id, ticketIds);
    const key = { seed, listHash: draw.listHash, beacon: sale.beaconValue ?? '' };
    for (let at = 0; at < ticketIds.length; at += RANKS_AT_ONCE) {
      signal.throwIfAborted();
      const some = ticketIds.slice(at, at + RANKS_AT_ONCE);
      await this.rooms.rank(
        sale.id,
        some.map((ticketId) => [ticketId, rankOf(key, ticketId)] as const),
      );
    }
    signal.throwIfAborted();
    await this.dataSource.transaction((manager) => noteDrawn(manager, draw));
    await this.publisher.publish(sale.id);
    return draw;
  }

  /** Who was in line at the opening, by the clock that gave the places. */
  private async lobby({ id, opensAt }: SaleEntity): Promise<readonly string[] | undefined> {
    // A Redis that has lost the room would have an empty line, which nobody may be drawn from.
    await this.publisher.publish(id);
    const nowMs = await this.rooms.nowMs(id);
    if (nowMs < opensAt.getTime()) return undefined;
    const before = await this.rooms.look(id);
    if (before === undefined || isFormingAgain(before, nowMs)) return undefined;
    const ticketIds = await this.rooms.lobby(id, opensAt.getTime());
    const after = await this.rooms.look(id);
    return after?.server === before.server ? ticketIds : undefined;
  }
}

/** The line was lost, and those who were in it are still coming back. */
function isFormingAgain({ server, pausedUntilMs }: RoomLook, nowMs: number): boolean {
  return server === '' || nowMs < pausedUntilMs;
}
