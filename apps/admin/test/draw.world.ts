import type { ItemRef } from '@flux/contracts';
import { SaleEntity } from '@flux/ledger';
import { rankOf, RoomClient, ticketIdOf, type DrawResult, type RoomConfig } from '@flux/waiting-room';
import { DrawMaintenance } from '../src/draw/draw-maintenance.service';
import { DrawnLists } from '../src/draw/drawn-lists.service';
import { waitUntil } from '@flux/testing';
import { RoomPublisher } from '../src/waiting-room/room-publisher';
import { AdminWorld } from './admin.world';

const MINUTE_MS = 60_000;

/** An admin process, and sales with a lobby. */
export class DrawWorld {
  private constructor(
    readonly admin: AdminWorld,
    readonly rooms: RoomClient,
  ) {}

  static async start(): Promise<DrawWorld> {
    const admin = await AdminWorld.start();
    return new DrawWorld(admin, admin.app.get(RoomClient));
  }

  /** A sale whose lobby is open, and that opens in an hour if nothing is said. */
  async lobby({
    beacon,
    joins = 0,
    opensInMs = 60 * MINUTE_MS,
  }: {
    readonly beacon?: string;
    readonly joins?: number;
    readonly opensInMs?: number;
  } = {}): Promise<ItemRef> {
    const item = await this.admin.createSale({
      opensAt: new Date(Date.now() + opensInMs).toISOString(),
      closesAt: new Date(Date.now() + 120 * MINUTE_MS).toISOString(),
      admission: {
        ...{ mode: 'on', longestPollMs: 1_000 },
        lobbyOpensAt: new Date(Date.now() - MINUTE_MS).toISOString(),
        ...(beacon === undefined ? {} : { beacon }),
      },
    });
    await this.tick(item);
    for (let index = 0; index < joins; index += 1) await this.join(item, `shopper-${index}`);
    return item;
  }

  /** Its opening has come: the window moves, not the clock. */
  async comesToOpen({ saleId }: Pick<ItemRef, 'saleId'>): Promise<void> {
    await this.admin.dataSource.query(
      "UPDATE sales SET opens_at = now() + interval '10 ms', room_version = room_version + 1 WHERE id = $1",
      [saleId],
    );
    const { opensAt } = await this.sale({ saleId });
    await waitUntil(
      'the opening has come',
      async () => (await this.rooms.nowMs(saleId)) >= opensAt.getTime(),
    );
    await this.admin.app.get(RoomPublisher).publish(saleId);
  }

  async join({ saleId }: ItemRef, shopper: string): Promise<string> {
    const ticketId = ticketIdOf((await this.config({ saleId })).salt, shopper);
    const { outcome } = await this.rooms.visit(saleId, { verb: 'join', ticketId, place: undefined });
    if (outcome !== 'waiting') throw new Error(`the shopper is ${outcome}`);
    return ticketId;
  }

  async leave({ saleId }: ItemRef, ticketId: string): Promise<void> {
    await this.rooms.visit(saleId, { verb: 'leave', ticketId, place: undefined });
  }

  async tick({ saleId }: Pick<ItemRef, 'saleId'>) {
    return this.rooms.tick({
      saleId,
      attempts: 0,
      available: 1_000_000,
      isOver: false,
      wasOn: false,
      bought: [],
    });
  }

  async draw(app = this.admin.app): Promise<void> {
    await app.get(DrawMaintenance).drawDue();
  }

  async keepLists(): Promise<void> {
    await this.admin.app.get(DrawnLists).keepAll();
  }

  async config({ saleId }: Pick<ItemRef, 'saleId'>): Promise<RoomConfig> {
    const found = await this.rooms.config(saleId);
    if (found === undefined) throw new Error('there is no room');
    return found;
  }

  /** As it is published. */
  async result(item: ItemRef): Promise<DrawResult | undefined> {
    return (await this.config(item)).draw?.result;
  }

  async published({ saleId }: ItemRef): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const page of this.rooms.drawnTickets(saleId)) found.push(...page);
    return found;
  }

  async sale({ saleId }: Pick<ItemRef, 'saleId'>): Promise<SaleEntity> {
    return this.admin.dataSource.manager.findOneByOrFail(SaleEntity, { id: saleId });
  }

  async draws({
    saleId,
  }: ItemRef): Promise<readonly { readonly list_hash: string; readonly ticket_ids: string }[]> {
    return this.admin.dataSource.query('SELECT list_hash, ticket_ids FROM draws WHERE sale_id = $1', [
      saleId,
    ]);
  }

  /** Ticket ids in the order of the line. */
  async line({ saleId }: ItemRef): Promise<readonly string[]> {
    return this.admin.redis.client.zrange(`{room:${saleId}}:line`, 0, -1);
  }
}

/** The order that shoppers compute from what is published. */
export function drawnOrder(result: DrawResult, ticketIds: readonly string[]): readonly string[] {
  return [...ticketIds].sort((a, b) => rankOf(result, a) - rankOf(result, b) || (a < b ? -1 : 1));
}
