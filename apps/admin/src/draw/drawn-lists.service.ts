import { ask, RedisConnection } from '@flux/gate';
import { DrawEntity, type DrawnList, ExclusiveWork, SaleEntity } from '@flux/ledger';
import { RoomClient, roomKeys, TICKETS_PER_ENTRY } from '@flux/waiting-room';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { drawnSales, findDraw, insertDraw } from './draw.repository';
import { drawnTicketsOf, ticketIdsOf } from './drawn-tickets';

/** Advisory lock, of the draw as well: one process at a time writes lists. */
const DRAWING_LOCK = 7_305_022;
const PAUSE_MS = 10_000;

/**
 * Keeps the lists of what was drawn in both places, as long as the sale is in Redis: gateways publish Redis's, and a
 * database that was lost and replayed gets the list back from there. Harmless in any number of processes.
 */
@Injectable()
export class DrawnLists {
  private readonly lost = new Set<string>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly exclusive: ExclusiveWork,
    private readonly rooms: RoomClient,
    private readonly redis: RedisConnection,
    @Inject(LOG) private readonly log: Log,
  ) {}

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'keeping', pauseMs: PAUSE_MS, work: () => this.keepAll() }];
  }

  /** @throws where Redis or PostgreSQL cannot be asked; the next round goes on */
  async keepAll(): Promise<void> {
    const drawn = await drawnSales(this.dataSource.manager);
    if (drawn.length === 0) return;
    await this.exclusive.run(DRAWING_LOCK, async (signal) => {
      for (const saleId of drawn) {
        await this.keepBoth(saleId);
        signal.throwIfAborted();
      }
    });
  }

  private async keepBoth(saleId: string): Promise<void> {
    const { manager } = this.dataSource;
    const { draw } = await manager.findOneByOrFail(SaleEntity, { id: saleId });
    if (draw === null) return;
    if (!(await manager.existsBy(DrawEntity, { saleId }))) await this.store(saleId, draw);
    else if (!(await this.isKept(saleId, draw))) await this.keep(saleId);
  }

  /** The number of entries tells all: whatever writes this list writes the same entries. */
  private async isKept(saleId: string, { tickets }: DrawnList): Promise<boolean> {
    const entries = await ask(this.redis, (client) => client.llen(roomKeys(saleId).drawn));
    return entries === Math.ceil(tickets / TICKETS_PER_ENTRY);
  }

  private async keep(saleId: string): Promise<void> {
    const draw = await findDraw(this.dataSource.manager, saleId);
    if (draw === null) return;
    await this.rooms.keepDrawn(saleId, ticketIdsOf(draw));
    this.log.warn({ saleId, tickets: draw.tickets }, 'Redis had lost the list of a draw, and has it again');
  }

  private async store(saleId: string, { listHash }: DrawnList): Promise<void> {
    const ticketIds: string[] = [];
    for await (const page of this.rooms.drawnTickets(saleId)) ticketIds.push(...page);
    const found = drawnTicketsOf(ticketIds);
    if (found.listHash === listHash) {
      await this.dataSource.transaction((manager) => insertDraw(manager, { saleId, ...found }));
      this.log.warn(
        { saleId, tickets: found.tickets },
        'PostgreSQL had lost the list of a draw, and has it again',
      );
      return;
    }
    if (this.lost.has(saleId)) return;
    this.lost.add(saleId);
    this.log.error(
      { saleId, listHash },
      'the list of a draw is lost in PostgreSQL and Redis: only its hash is left',
    );
  }
}
