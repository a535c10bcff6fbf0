import {
  type CallResult,
  GateUnavailableError,
  numberOf,
  type RedisConnection,
  replyOf,
  ScriptRunner,
  slicesOf,
  UnexpectedReplyError,
  wordsOf,
} from '@flux/gate';
import { SCRIPTS } from './scripts.generated';

/** Requests of one principal that were let through. */
export interface Booking {
  readonly key: string;
  readonly intervalMs: number;
  readonly requests: number;
  /** The first of them, by Redis' clock as this process knows it. */
  readonly cameAtMs: number;
}

/** How principals stand over all processes, in the order of their bookings. Times in ms of Redis' clock. */
export interface Standing {
  readonly nowMs: number;
  readonly arrivalsMs: readonly number[];
}

/** Where bookings are kept. */
export interface Ledger {
  /** Never rejects. @returns undefined where there was no answer, so that what was booked is not known */
  book(bookings: readonly Booking[]): Promise<Standing | undefined>;
}

export interface LimitBookOptions {
  /** Principals kept at once, over all of Redis: one takes about 130 bytes. */
  readonly maxKeys: number;
  /** No principal is kept for longer; those who are refused wait no longer either. */
  readonly longestMs: number;
  /** Into so many parts the keys fall, which Redis Cluster may keep on as many shards. */
  readonly parts: number;
}

/** So that no call holds Redis up for more than about a millisecond. */
const MAX_PER_CALL = 500;

/** The bookings of all processes, in Redis: one key with a time to live for each principal, and no more than so many. */
export class LimitBook implements Ledger {
  private readonly runner: ScriptRunner;

  constructor(
    connection: RedisConnection,
    private readonly options: LimitBookOptions,
  ) {
    this.runner = new ScriptRunner(connection);
  }

  async book(bookings: readonly Booking[]): Promise<Standing | undefined> {
    const calls = this.partsOf(bookings).flatMap(({ tag, indexes }) =>
      slicesOf(indexes, MAX_PER_CALL).map((slice) => ({
        indexes: slice,
        call: this.callOf(tag, bookings, slice),
      })),
    );
    const results = await Promise.all(this.runner.runAll(calls.map(({ call }) => call)));
    const arrivalsMs: number[] = [];
    let nowMs = 0;
    for (const [index, result] of results.entries()) {
      const times = timesOf(result);
      if (times === undefined) return undefined;
      const [now = 0, ...arrivals] = times;
      nowMs = now;
      calls[index]?.indexes.forEach((booking, place) => {
        arrivalsMs[booking] = arrivals[place] ?? 0;
      });
    }
    return { nowMs, arrivalsMs };
  }

  private partsOf(
    bookings: readonly Booking[],
  ): readonly { readonly tag: string; readonly indexes: readonly number[] }[] {
    const parts = new Map<number, number[]>();
    bookings.forEach(({ key }, index) => {
      const part = this.options.parts === 1 ? 0 : hashOf(key) % this.options.parts;
      const ofPart = parts.get(part);
      if (ofPart === undefined) parts.set(part, [index]);
      else ofPart.push(index);
    });
    return [...parts].map(([part, indexes]) => ({ tag: `{limit:${part}}`, indexes }));
  }

  private callOf(tag: string, bookings: readonly Booking[], indexes: readonly number[]) {
    const { maxKeys, longestMs, parts } = this.options;
    const chosen = indexes.map((index) => bookings[index]).filter((booking) => booking !== undefined);
    return {
      script: SCRIPTS.book,
      keys: [`${tag}:made:${longestMs}`, ...chosen.map(({ key }) => `${tag}:${key}`)],
      args: [
        Math.ceil(maxKeys / parts),
        longestMs * 1_000,
        ...chosen.flatMap(({ intervalMs, requests, cameAtMs }) => [
          Math.max(1, Math.round(intervalMs * 1_000)),
          requests,
          Math.floor(cameAtMs * 1_000),
        ]),
      ],
    };
  }
}

/** In ms; undefined where there is no answer, or one that no script of ours gives. */
function timesOf(result: CallResult): readonly number[] | undefined {
  try {
    return wordsOf(replyOf(result)).map((word) => numberOf(word) / 1_000);
  } catch (error) {
    if (error instanceof GateUnavailableError || error instanceof UnexpectedReplyError) return undefined;
    throw error;
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return hash;
}
