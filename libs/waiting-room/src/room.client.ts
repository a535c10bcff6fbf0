import { SALE_ID_PATTERN } from '@flux/contracts';
import {
  ask,
  InvalidRequestError,
  readStored,
  type RedisConnection,
  ROOM_STATES,
  ScriptRunner,
  UnexpectedReplyError,
} from '@flux/gate';
import { TICKET_ID_PATTERN } from './draw';
import {
  decodeClock,
  decodePublish,
  decodeTick,
  type PublishOutcome,
  type RoomLook,
  type RoomStanding,
  type Visit,
  type VisitOutcome,
} from './room-codec';
import { type RoomConfig, roomConfigSchema } from './room-config';
import { roomKeys } from './room-keys';
import { SCRIPTS } from './scripts.generated';
import { VisitBatcher } from './visit-batcher';

export interface TickRequest {
  readonly saleId: string;
  /** Purchase attempts since this process's last tick. */
  readonly attempts: number;
  /** Units that can be sold now: no more shoppers than that are inside. */
  readonly available: number;
  /** Nothing is left, and nothing can come back by itself: the line ends. */
  readonly isOver: boolean;
  /** The room was on when this process last heard of it: what Redis has lost of it, the gateways know. */
  readonly wasOn: boolean;
  /** Tickets whose shoppers have bought: they make room for others. */
  readonly bought: readonly string[];
}

/** Tickets of a draw that one command writes, and one entry of the kept list holds. */
export const TICKETS_PER_ENTRY = 1_000;
const SCAN_COUNT = 1_000;

/**
 * The waiting rooms of all sales, in Redis. All methods throw GateUnavailableError where Redis cannot be asked or does
 * not answer in time, UnexpectedReplyError where a foreign script or key answered, InvalidRequestError for broken ids.
 */
export class RoomClient {
  private readonly runner: ScriptRunner;
  private readonly visits: VisitBatcher;

  constructor(private readonly connection: RedisConnection) {
    this.runner = new ScriptRunner(connection);
    this.visits = new VisitBatcher(this.runner);
  }

  /** Joins, looks or leaves. Visits of one sale in one turn of the event loop share a call. */
  async visit(saleId: string, visit: Visit): Promise<VisitOutcome> {
    assertSale(saleId);
    if (!TICKET_ID_PATTERN.test(visit.ticketId)) throw new InvalidRequestError('ticketId');
    if (visit.place !== undefined && !isPlace(visit.place)) throw new InvalidRequestError('place');
    return this.visits.visit(saleId, visit);
  }

  /** Counts, switches and calls. @returns undefined where Redis does not have the room */
  async tick({
    saleId,
    attempts,
    available,
    isOver,
    wasOn,
    bought,
  }: TickRequest): Promise<RoomStanding | undefined> {
    assertSale(saleId);
    const keys = roomKeys(saleId);
    const reply = await this.runner.run({
      script: SCRIPTS.tick,
      keys: [
        keys.state,
        keys.attempts,
        keys.line,
        keys.called,
        keys.inside,
        keys.absent,
        keys.places,
        keys.seenEven,
        keys.seenOdd,
      ],
      args: [attempts, available, isOver ? 1 : 0, wasOn ? 1 : 0, ...bought],
    });
    return decodeTick(reply);
  }

  /** How the room stands. Changes nothing: a tick would also call people. @returns undefined where Redis has none */
  async look(saleId: string): Promise<RoomLook | undefined> {
    assertSale(saleId);
    const keys = roomKeys(saleId);
    const [[word, called, server, pausedUntil], waiting, notFetched, inside] = await Promise.all([
      ask(this.connection, (client) => client.hmget(keys.state, 'state', 'called', 'server', 'pausedUntil')),
      ask(this.connection, (client) => client.zcard(keys.line)),
      ask(this.connection, (client) => client.zcard(keys.called)),
      ask(this.connection, (client) => client.zcard(keys.inside)),
    ]);
    if (word === null) return undefined;
    const state = ROOM_STATES.find((known) => known === word);
    if (state === undefined) throw new UnexpectedReplyError('not a room');
    return {
      state,
      waiting,
      called: Number(called),
      inside: notFetched + inside,
      server: server ?? '',
      pausedUntilMs: Number(pausedUntil),
    };
  }

  /**
   * Writes the operator's settings, unless newer ones are there, and begins the room where there is none.
   * @param hasBegun there was a room before: where Redis has none, it was lost, and the line forms again
   */
  async publish(config: RoomConfig, hasBegun: boolean): Promise<PublishOutcome> {
    const { state, config: configKey } = roomKeys(config.saleId);
    const settings = {
      rate: config.ratePerSecond,
      maxInside: config.maxInside ?? 0,
      passMs: config.passMs,
      silentMs: config.silentMs,
      graceMs: config.graceMs,
      longestPollMs: config.longestPollMs,
      opensAtMs: config.opensAtMs,
      closesAtMs: config.closesAtMs,
      lobbyOpensAtMs: config.lobbyOpensAtMs,
      isDrawn: config.draw?.result === undefined ? 0 : 1,
    };
    const reply = await this.runner.run({
      script: SCRIPTS.publish,
      keys: [state, configKey],
      args: [
        config.version,
        JSON.stringify(config),
        hasBegun ? 1 : 0,
        config.mode,
        ...Object.entries(settings).flat(),
      ],
    });
    return decodePublish(reply);
  }

  /** The settings as they were published; undefined where there are none. */
  async config(saleId: string): Promise<RoomConfig | undefined> {
    assertSale(saleId);
    const text = await ask(this.connection, (client) => client.get(roomKeys(saleId).config));
    return text === null ? undefined : readStored(roomConfigSchema, text, 'the settings of a room');
  }

  /** Whether Redis has the room of this version of its settings, or of a newer one. */
  async isPublished({ saleId, version }: Pick<RoomConfig, 'saleId' | 'version'>): Promise<boolean> {
    const { state, config } = roomKeys(saleId);
    const [found, hasConfig] = await Promise.all([
      ask(this.connection, (client) => client.hget(state, 'version')),
      ask(this.connection, (client) => client.exists(config)),
    ]);
    return found !== null && Number(found) >= version && hasConfig === 1;
  }

  /** The clock that the room's places are given by, in milliseconds. */
  async nowMs(saleId: string): Promise<number> {
    const reply = await this.runner.run({
      script: SCRIPTS.now,
      keys: [roomKeys(saleId).state],
      args: [],
    });
    return decodeClock(reply);
  }

  /** The tickets in line that joined before the opening, in byte order. Whoever leaves meanwhile may be missing. */
  async lobby(saleId: string, opensAtMs: number): Promise<readonly string[]> {
    const { line } = roomKeys(saleId);
    const ticketIds = new Set<string>();
    let cursor = '0';
    do {
      const from = cursor;
      const [next, flat] = await ask(this.connection, (client) =>
        client.zscan(line, from, 'COUNT', SCAN_COUNT),
      );
      for (let index = 0; index + 1 < flat.length; index += 2) {
        if (Number(flat[index + 1]) < opensAtMs * 1_000) ticketIds.add(flat[index] ?? '');
      }
      cursor = next;
    } while (cursor !== '0');
    return [...ticketIds].sort();
  }

  /** Keeps the list that is drawn from, in place of an earlier one. @param ticketIds in byte order */
  async keepDrawn(saleId: string, ticketIds: readonly string[]): Promise<void> {
    const { drawn } = roomKeys(saleId);
    await ask(this.connection, (client) => client.del(drawn));
    for (let at = 0; at < ticketIds.length; at += TICKETS_PER_ENTRY) {
      const page = ticketIds.slice(at, at + TICKETS_PER_ENTRY).join('\n');
      await ask(this.connection, (client) => client.rpush(drawn, page));
    }
  }

  /** The list that was drawn from, a thousand tickets at a time. */
  async *drawnTickets(saleId: string): AsyncGenerator<readonly string[]> {
    const { drawn } = roomKeys(saleId);
    for (let index = 0; ; index += 1) {
      const page = await ask(this.connection, (client) => client.lindex(drawn, index));
      if (page === null) return;
      yield page.split('\n');
    }
  }

  /** Gives tickets that are in line their ranks. Those that have left stay away. */
  async rank(saleId: string, ranks: Iterable<readonly [ticketId: string, rank: number]>): Promise<void> {
    const { line } = roomKeys(saleId);
    const pairs = [...ranks];
    for (let at = 0; at < pairs.length; at += TICKETS_PER_ENTRY) {
      const page = pairs.slice(at, at + TICKETS_PER_ENTRY).flatMap(([ticketId, rank]) => [rank, ticketId]);
      await ask(this.connection, (client) => client.zadd(line, 'XX', ...page));
    }
  }

  /** Dates the end of everything that the room has. */
  async retire(saleId: string, endsAtMs: number): Promise<void> {
    assertSale(saleId);
    for (const key of Object.values<string>({ ...roomKeys(saleId) })) {
      await ask(this.connection, (client) => client.pexpireat(key, endsAtMs));
    }
  }
}

function assertSale(saleId: string): void {
  if (!SALE_ID_PATTERN.test(saleId)) throw new InvalidRequestError('saleId');
}

function isPlace(place: number): boolean {
  return Number.isSafeInteger(place) && place >= 0;
}
