import { numberOf, ROOM_STATES, UnexpectedReplyError, wordsOf } from '@flux/gate';

export type RoomState = (typeof ROOM_STATES)[number];

/** What somebody does at the room. */
export interface Visit {
  readonly verb: 'join' | 'look' | 'leave';
  readonly ticketId: string;
  /** The place that the visitor's ticket proves. */
  readonly place: number | undefined;
}

/** Times in milliseconds of the clock of Redis. */
export type VisitOutcome =
  | {
      readonly outcome: 'waiting';
      readonly atMs: number;
      readonly place: number;
      /** People who are called before. */
      readonly ahead: number;
      /** The place was given just now. */
      readonly isNew: boolean;
    }
  | { readonly outcome: 'turn'; readonly atMs: number; readonly place: number; readonly goodFromMs: number }
  /** It was called, passed over or gone, and its time to return is over. */
  | { readonly outcome: 'ended' }
  | { readonly outcome: 'left' }
  /** There is no room in front of the sale now. */
  | { readonly outcome: 'open' }
  | { readonly outcome: 'early'; readonly opensInMs: number }
  /** The sale has ended. */
  | { readonly outcome: 'over' }
  /** Redis does not have the room. */
  | { readonly outcome: 'notReady' };

/** How a room stands, by one tick. Times in milliseconds of the clock of Redis. */
export interface RoomStanding {
  readonly atMs: number;
  /** When it went to its present state. */
  readonly since: number;
  readonly state: RoomState;
  /** Of the settings. */
  readonly version: number;
  readonly waiting: number;
  /** Since the room began. */
  readonly called: number;
  /** Called, and neither gone nor through with buying. */
  readonly inside: number;
  /** Nobody is called before: Redis was another one, and the line forms again. 0 where that never happened. */
  readonly pausedUntilMs: number;
}

/** How a room stands in Redis, read without doing anything there. */
export interface RoomLook extends Pick<
  RoomStanding,
  'state' | 'waiting' | 'called' | 'inside' | 'pausedUntilMs'
> {
  /**
   * The server that the room was last looked after on; another one each time that the line may have been lost. Empty: it
   * was lost, and no gateway has looked after it since.
   */
  readonly server: string;
}

export interface VisitReply {
  /** `undefined`: Redis does not have the room. */
  readonly atMs: number | undefined;
  readonly texts: readonly unknown[];
}

/** @throws UnexpectedReplyError */
export function decodeVisitReply(reply: unknown, visits: number): VisitReply {
  if (!Array.isArray(reply)) throw new UnexpectedReplyError('visit');
  const [atMs, ...texts] = reply as readonly unknown[];
  if (atMs === 'notReady') return { atMs: undefined, texts: [] };
  if (typeof atMs !== 'number' || texts.length !== visits) throw new UnexpectedReplyError('visit');
  return { atMs, texts };
}

/** @throws UnexpectedReplyError */
export function decodeVisit({ atMs, texts }: VisitReply, index: number): VisitOutcome {
  if (atMs === undefined) return { outcome: 'notReady' };
  const text = texts[index];
  if (typeof text !== 'string') throw new UnexpectedReplyError('visit outcome');
  const [word = '', first, second] = text.split(' ');
  switch (word) {
    case 'joined':
    case 'waiting': {
      const place = whole(first);
      return { outcome: 'waiting', atMs, place, ahead: whole(second), isNew: word === 'joined' };
    }
    case 'turn':
      return { outcome: 'turn', atMs, place: whole(first), goodFromMs: whole(second) / 1_000 };
    case 'early':
      return { outcome: 'early', opensInMs: whole(first) };
    case 'ended':
    case 'left':
    case 'open':
    case 'over':
      return { outcome: word };
    default:
      throw new UnexpectedReplyError('visit outcome');
  }
}

/** @returns undefined where Redis does not have the room @throws UnexpectedReplyError */
export function decodeTick(reply: unknown): RoomStanding | undefined {
  const [first, since, word, version, waiting, called, inside, pausedUntilMs] = wordsOf(reply);
  if (first === 'notReady') return undefined;
  const state = ROOM_STATES.find((known) => known === word);
  if (state === undefined) throw new UnexpectedReplyError('tick');
  return {
    atMs: whole(first),
    since: whole(since),
    state,
    version: whole(version),
    waiting: whole(waiting),
    called: whole(called),
    inside: whole(inside),
    pausedUntilMs: whole(pausedUntilMs),
  };
}

const PUBLISH_OUTCOMES = ['created', 'updated', 'kept'] as const;
/** `kept`: what is there is as new, or newer. */
export type PublishOutcome = (typeof PUBLISH_OUTCOMES)[number];

/** @throws UnexpectedReplyError */
export function decodePublish(reply: unknown): PublishOutcome {
  const [word] = wordsOf(reply);
  const outcome = PUBLISH_OUTCOMES.find((known) => known === word);
  if (outcome === undefined) throw new UnexpectedReplyError('publish');
  return outcome;
}

/** Milliseconds. @throws UnexpectedReplyError */
export function decodeClock(reply: unknown): number {
  return whole(wordsOf(reply)[0]);
}

function whole(word: string | undefined): number {
  const number = numberOf(word);
  if (!Number.isSafeInteger(number)) throw new UnexpectedReplyError('not a whole number');
  return number;
}
