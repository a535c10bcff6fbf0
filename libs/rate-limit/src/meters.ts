/** What one process knows of one principal. Times in ms of Redis' clock. */
export interface Meter {
  readonly key: string;
  /** GCRA's theoretical arrival time. */
  arrivalMs: number;
  /** Of one request, as it was taken last. */
  intervalMs: number;
  /** Requests that Redis has not been told of. */
  unbooked: number;
  /** Those, and the ones whose booking is under way: what others let through meanwhile is not known. */
  unanswered: number;
  /** This process' part of what all let through lately, 0 to 1. */
  part: number;
  /** As Redis told it last. */
  toldMs: number;
  /** The first of those. */
  cameAtMs: number;
  /** Refusals since there was none for `MEMORY_MS`. */
  refusals: number;
  refusedAtMs: number;
}

/** Refusals are remembered for so long after the last one. */
export const MEMORY_MS = 60_000;

/** Meters looked at for each one that is made: more than one, so that those at rest go faster than others come. */
const LOOKS = 2;

/** Whoever was refused lately goes last, as far as others are found soon: they would be let in once before Redis tells. */
const MOST_SPARED = 64;

/** The meters of the principals that are at work, and of no more than `max`: then one goes that is still at work. */
export class Meters {
  private readonly meters = new Map<string, Meter>();
  /** One hand that goes round: beginning anew each time, V8 would step over all that was deleted. */
  private hand = this.meters.values();

  constructor(private readonly max: number) {}

  get size(): number {
    return this.meters.size;
  }

  find(key: string): Meter | undefined {
    return this.meters.get(key);
  }

  of(key: string, nowMs: number): Meter {
    const known = this.meters.get(key);
    if (known !== undefined) return known;
    for (let look = 0; look < LOOKS; look += 1) {
      const meter = this.next();
      if (meter !== undefined && isAtRest(meter, nowMs)) this.meters.delete(meter.key);
    }
    for (let spared = 0; this.meters.size >= this.max;) {
      const meter = this.next();
      if (meter === undefined) continue;
      if (spared < MOST_SPARED && isRefused(meter, nowMs)) spared += 1;
      else this.meters.delete(meter.key);
    }
    const meter: Meter = {
      key,
      arrivalMs: 0,
      intervalMs: 0,
      unbooked: 0,
      unanswered: 0,
      part: 1,
      toldMs: 0,
      cameAtMs: 0,
      refusals: 0,
      refusedAtMs: -Infinity,
    };
    this.meters.set(key, meter);
    return meter;
  }

  /** Undefined where the hand has come round. */
  private next(): Meter | undefined {
    const { done, value } = this.hand.next();
    if (done !== true) return value;
    this.hand = this.meters.values();
    return undefined;
  }
}

function isAtRest({ arrivalMs, unbooked, refusedAtMs }: Meter, nowMs: number): boolean {
  return arrivalMs <= nowMs && unbooked === 0 && !isRefused({ refusedAtMs }, nowMs);
}

function isRefused({ refusedAtMs }: Pick<Meter, 'refusedAtMs'>, nowMs: number): boolean {
  return refusedAtMs + MEMORY_MS > nowMs;
}
