/** A clock that is further off than this was set, or is another one. */
const JUMP_MS = 1_000;

/** An estimate is good for so long: two clocks drift apart by some ms in it. */
const GOOD_MS = 60_000;

interface Estimate {
  readonly offsetMs: number;
  readonly roundTripMs: number;
  readonly atMs: number;
}

/**
 * The clock of Redis, as its answers tell: each tells what it was somewhere between question and answer, so that the
 * quickest tells it best (as in NTP: RFC 5905).
 */
export class RedisClock {
  private best: Estimate | undefined;

  constructor(private readonly ticksMs: () => number = () => performance.now()) {}

  /** By this machine's clock while Redis has not told its own. */
  nowMs(): number {
    return this.ticksMs() + (this.best?.offsetMs ?? Date.now() - this.ticksMs());
  }

  /** @param askedAtMs by `performance.now()` */
  learn(redisNowMs: number, askedAtMs: number): void {
    const atMs = this.ticksMs();
    const roundTripMs = atMs - askedAtMs;
    const offsetMs = redisNowMs - (askedAtMs + atMs) / 2;
    const { best } = this;
    const isBetter =
      best === undefined ||
      roundTripMs <= best.roundTripMs ||
      atMs - best.atMs > GOOD_MS ||
      Math.abs(offsetMs - best.offsetMs) > JUMP_MS + roundTripMs;
    if (isBetter) this.best = { offsetMs, roundTripMs, atMs };
  }
}
