import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import { GateClient, GateUnavailableError } from '@flux/gate';
import { LOG, RepeatedWarning, type Log } from '@flux/telemetry';
import { RoomClient } from '@flux/waiting-room';
import { SaleDirectory } from '../sales/sale-directory';
import { Room } from './room';
import { NO_STOCK, readStock } from './room-stock';

const TICK_MS = 100;

/** Items whose stock is read in one tick; of a larger sale it is read less often. */
const ITEMS_PER_TICK = 10;

/** Rooms looked after at once; of more, the one that was met first is forgotten, and met again. */
const MAX_ROOMS = 1_000;

/**
 * The waiting rooms that people come to here: each is ticked ten times a second, which counts its purchase attempts over
 * all gateways, switches it, calls people, and tells this gateway how it stands.
 */
@Injectable()
export class Rooms implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rooms = new Map<string, Room>();
  private readonly ticks = new Map<string, Promise<void>>();
  /** By sale. */
  private readonly followers = new Map<string, Set<() => void>>();
  private readonly failing: RepeatedWarning;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly client: RoomClient,
    private readonly gate: GateClient,
    private readonly directory: SaleDirectory,
    @Inject(LOG) log: Log,
  ) {
    this.failing = new RepeatedWarning(log, 'a waiting room could not be ticked');
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      const nowMs = performance.now();
      for (const [saleId, room] of this.rooms) {
        if (room.isIdle(nowMs)) this.forget(saleId);
        else void this.tick(room);
      }
    }, TICK_MS).unref();
  }

  /** What was counted last is lost: the attempts say nothing any more, and places inside end by themselves. */
  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /**
   * Calls the listener when the room goes on or off, or when nothing is left that could come back: whoever waits need not
   * wait for their next look. It must not throw.
   * @returns a function that ends the listening
   */
  follow(saleId: string, listener: () => void): () => void {
    const ofSale = this.followers.get(saleId) ?? new Set();
    ofSale.add(listener);
    this.followers.set(saleId, ofSale);
    return () => {
      ofSale.delete(listener);
      if (ofSale.size === 0 && this.followers.get(saleId) === ofSale) this.followers.delete(saleId);
    };
  }

  /** The room, where Redis has told of it since people began to come here. Asks nobody. */
  known(saleId: string): Room | undefined {
    const room = this.rooms.get(saleId);
    return room?.isKnown === true ? room : undefined;
  }

  /**
   * The room, after asking Redis where it is not known. Never rejects: then it is not known afterwards either. For a room
   * that is known nobody waits: a Redis that stalls must not hold up purchases twice.
   */
  async meet(saleId: string): Promise<Room> {
    const nowMs = performance.now();
    const room = this.rooms.get(saleId) ?? this.begin(saleId, nowMs);
    room.use(nowMs);
    if (!room.isKnown) await this.tick(room);
    return room;
  }

  private begin(saleId: string, nowMs: number): Room {
    const [oldest] = this.rooms.keys();
    if (this.rooms.size >= MAX_ROOMS && oldest !== undefined) this.forget(oldest);
    const room = new Room(saleId, nowMs);
    this.rooms.set(saleId, room);
    return room;
  }

  private forget(saleId: string): void {
    this.rooms.delete(saleId);
    this.gate.knowRoom(saleId, undefined);
  }

  /** One at a time for each room: whoever needs it meanwhile shares it. */
  private tick(room: Room): Promise<void> {
    const running = this.ticks.get(room.saleId);
    if (running !== undefined) return running;
    const tick = this.tickOnce(room)
      .catch((error: unknown) => {
        const reason = error instanceof GateUnavailableError ? error.reason : error;
        this.failing.warn({ saleId: room.saleId, reason: String(reason) });
      })
      .finally(() => this.ticks.delete(room.saleId));
    this.ticks.set(room.saleId, tick);
    return tick;
  }

  private async tickOnce(room: Room): Promise<void> {
    const { saleId } = room;
    const taken = room.take();
    const askedAtMs = performance.now();
    const before = room.phase;
    try {
      // Before the tick: what it tells of those who have bought is counted in the stock.
      if (room.stock !== undefined) await this.readStock(room);
      const { available, isExhausted } = room.stock ?? NO_STOCK;
      const { wasOn } = room;
      const standing = await this.client.tick({ saleId, ...taken, available, isOver: isExhausted, wasOn });
      if (standing !== undefined && standing.version !== room.config?.version) {
        room.config = await this.client.config(saleId);
      }
      // The gate first: from the moment the room is known, purchases go to the gate without waiting for anything.
      if (standing !== undefined && this.rooms.has(saleId)) {
        this.gate.knowRoom(saleId, { since: standing.since, state: standing.state });
      }
      room.learn(standing, askedAtMs);
      if (room.stock === undefined && standing !== undefined && standing.state !== 'off') {
        await this.readStock(room);
      }
      if (room.phase !== before) for (const listener of this.followers.get(saleId) ?? []) listener();
    } catch (error) {
      if (error instanceof GateUnavailableError && error.effect === 'none') room.giveBack(taken);
      throw error;
    }
  }

  private async readStock(room: Room): Promise<void> {
    const nowMs = performance.now();
    const sale = await this.directory.find(room.saleId);
    if (sale === undefined) return;
    const everyMs = TICK_MS * Math.floor(sale.items.length / ITEMS_PER_TICK);
    if (nowMs - room.stockReadAtMs < everyMs) return;
    room.stock = await readStock(this.gate, sale);
    room.stockReadAtMs = nowMs;
  }
}
