import { RedisConnection } from '@flux/gate';
import { gateConfig, startRedis, type RedisServer } from '@flux/testing';
import { randomUUID } from 'node:crypto';
import {
  RoomClient,
  roomKeys,
  ticketIdOf,
  type RoomConfig,
  type RoomStanding,
  type VisitOutcome,
} from '../src';

export const SALT = 'a5'.repeat(32);

/** Settings of a room that is on, of a sale that has begun. */
export function roomConfig(options: Partial<RoomConfig> = {}): RoomConfig {
  const opensAtMs = options.opensAtMs ?? Date.now() - 60_000;
  return {
    saleId: `sale-${randomUUID().slice(0, 8)}`,
    version: 1,
    mode: 'on',
    ratePerSecond: 100,
    passMs: 60_000,
    longestPollMs: 1_000,
    silentMs: 10_000,
    graceMs: 60_000,
    opensAtMs,
    lobbyOpensAtMs: opensAtMs,
    closesAtMs: Date.now() + 3_600_000,
    salt: SALT,
    ...options,
  };
}

/** One room in a Redis, with words for what people do there. */
export class TestRoom {
  constructor(
    readonly client: RoomClient,
    readonly config: RoomConfig,
  ) {}

  static async open(client: RoomClient, options: Partial<RoomConfig> = {}): Promise<TestRoom> {
    const room = new TestRoom(client, roomConfig(options));
    await client.publish(room.config, false);
    await room.tick();
    return room;
  }

  id(shopper: string): string {
    return ticketIdOf(SALT, shopper);
  }

  join(shopper: string, place?: number): Promise<VisitOutcome> {
    return this.visit('join', shopper, place);
  }

  look(shopper: string, place?: number): Promise<VisitOutcome> {
    return this.visit('look', shopper, place);
  }

  leave(shopper: string): Promise<VisitOutcome> {
    return this.visit('leave', shopper);
  }

  async tick(options: Partial<Parameters<RoomClient['tick']>[0]> = {}): Promise<RoomStanding> {
    const { saleId } = this.config;
    const nothing = { saleId, attempts: 0, available: 1_000_000, isOver: false, wasOn: false, bought: [] };
    const standing = await this.client.tick({ ...nothing, ...options });
    if (standing === undefined) throw new Error('Redis does not have the room');
    return standing;
  }

  get keys(): ReturnType<typeof roomKeys> {
    return roomKeys(this.config.saleId);
  }

  private visit(verb: 'join' | 'look' | 'leave', shopper: string, place?: number): Promise<VisitOutcome> {
    return this.client.visit(this.config.saleId, { verb, ticketId: this.id(shopper), place });
  }
}

export interface RoomWorld {
  readonly redis: RedisServer;
  readonly connection: RedisConnection;
  readonly rooms: RoomClient;
}

/** A Redis of the describe's own and a client on it. */
export function useRoomWorld(): RoomWorld {
  const world = {} as { -readonly [Part in keyof RoomWorld]: RoomWorld[Part] };
  beforeAll(async () => {
    world.redis = await startRedis();
    world.connection = new RedisConnection(gateConfig(world.redis.url));
    await world.connection.whenReady();
    world.rooms = new RoomClient(world.connection);
  });
  afterAll(async () => {
    world.connection.close();
    await world.redis.remove();
  });
  return world;
}
