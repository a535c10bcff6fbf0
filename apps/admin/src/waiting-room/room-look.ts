import { ask, RedisConnection, ROOM_STATES, UnexpectedReplyError } from '@flux/gate';
import { roomKeys, type RoomState } from '@flux/waiting-room';
import { Injectable } from '@nestjs/common';

/** How a sale's room stands in Redis. */
export interface RoomLook {
  readonly state: RoomState;
  readonly waiting: number;
  /** Since the room began. */
  readonly called: number;
  /** Called, and neither gone nor through with buying. */
  readonly inside: number;
  /**
   * The server that the room was last looked after on, and until when its line forms again; another one each time that
   * the line may have been lost. Empty: it was lost, and no gateway has looked after it since.
   */
  readonly server: string;
  readonly pausedUntilMs: number;
}

/** Reads rooms, and changes nothing: a gateway's tick would also call people. */
@Injectable()
export class RoomLooks {
  constructor(private readonly redis: RedisConnection) {}

  /** @returns undefined where Redis does not have the room @throws GateUnavailableError, UnexpectedReplyError */
  async look(saleId: string): Promise<RoomLook | undefined> {
    const keys = roomKeys(saleId);
    const [fields, ...counts] = await Promise.all([
      ask(this.redis, (client) => client.hmget(keys.state, 'state', 'called', 'server', 'pausedUntil')),
      ask(this.redis, (client) => client.zcard(keys.line)),
      ask(this.redis, (client) => client.zcard(keys.called)),
      ask(this.redis, (client) => client.zcard(keys.inside)),
    ]);
    const [word, called, server, pausedUntil] = fields;
    if (word === null) return undefined;
    const state = ROOM_STATES.find((known) => known === word);
    if (state === undefined) throw new UnexpectedReplyError('not a room');
    const [waiting, notFetched, inside] = counts;
    return {
      state,
      waiting,
      called: Number(called),
      inside: notFetched + inside,
      server: server ?? '',
      pausedUntilMs: Number(pausedUntil),
    };
  }
}
