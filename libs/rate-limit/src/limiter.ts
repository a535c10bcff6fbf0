import type { Booking, Ledger } from './limit-book';
import { type Meter, MEMORY_MS, Meters } from './meters';
import { RedisClock } from './redis-clock';
import { intervalMs, type Policy, shareMs } from './policy';

/** One principal under one policy. */
export interface Charge {
  readonly policy: Policy;
  /** Who it is, among those of the policy. */
  readonly principal: string;
}

/** How a request stands with the policy that leaves it the least. */
export interface Taking {
  readonly outcome: 'taken' | 'refused';
  readonly policy: Policy;
  /** Requests that are left at once. */
  readonly remaining: number;
  /** Until one more is left, where none is; else until all are. */
  readonly resetMs: number;
}

interface Judged {
  readonly policy: Policy;
  readonly key: string;
  /** When the principal is at rest; the past where it is. */
  arrivalMs: number;
  readonly interval: number;
  /** Until one more request may come; 0 or less where one may now. */
  readonly waitMs: number;
}

export interface LimiterOptions {
  /** Principals remembered here at once. */
  readonly maxMeters: number;
  /** Of each policy, what this process gives away on its own while Redis cannot be asked: 0 to 1. */
  readonly shareAlone: number;
  /** Hears of each refusal, also of those that a dry run does not make. */
  readonly onRefusal?: (policy: Policy) => void;
}

/** Between two bookings, so that a crowd shares them. What other processes let through meanwhile is not known here. */
const BOOKING_EVERY_MS = 10;

/** As well is Redis' clock known here: a request that would be so much too early is in time. */
const TOLERANCE_MS = 5;

/** How fast a process notices that its part has changed. */
const LEARNING = 0.3;
const LEAST_PART = 1 / 64;

/**
 * Whoever has used less of its share than this is no matter for the others yet: it is booked only where it has not come to
 * rest by the next look.
 */
const EARLY_SHARE = 1 / 8;
const LOOK_EVERY_MS = 500;

/** Without an answer of Redis for so long a process is alone. */
const ALONE_AFTER_MS = 1_000;

/**
 * Decides from memory, at once, and tells Redis in batches what it let through, which answers how each principal stands
 * over all processes. Whoever has nothing left is refused from memory until then: a flood from one source costs Redis
 * nothing. N processes that meet a principal in the same 10 ms may each give away a share; what was too much is owed, so
 * that over time no more goes through than the policy says.
 */
export class Limiter {
  private readonly meters: Meters;
  private readonly pending = new Map<string, Meter>();
  /** Of those who have used little. */
  private readonly deferred = new Map<string, Meter>();
  private look: NodeJS.Timeout | undefined;
  private bookingUnderWay = false;
  private bookedAtMs = -Infinity;
  /** Since when Redis has not answered, by `performance.now()`. */
  private failingSinceMs: number | undefined;
  private readonly clock = new RedisClock();

  constructor(
    private readonly ledger: Ledger,
    private readonly options: LimiterOptions,
  ) {
    this.meters = new Meters(options.maxMeters);
  }

  /** Principals remembered. */
  get size(): number {
    return this.meters.size;
  }

  /** Whether Redis cannot be asked, so that this process gives away its stated share. */
  get isAlone(): boolean {
    return this.failingSinceMs !== undefined && performance.now() - this.failingSinceMs >= ALONE_AFTER_MS;
  }

  /** Takes one request of each, or, where an enforced one has none left, of none. @param charges at least one */
  take(charges: readonly [Charge, ...Charge[]]): Taking {
    const nowMs = this.clock.nowMs();
    const share = this.isAlone ? this.options.shareAlone : 1;
    const judged = charges.map((charge) => this.judge(charge, share, nowMs));
    let refusing: Judged | undefined;
    for (const one of judged) {
      if (one.waitMs <= 0) continue;
      this.options.onRefusal?.(one.policy);
      if (one.policy.isDryRun) continue;
      this.note(one, nowMs);
      if (refusing === undefined || one.waitMs > refusing.waitMs) refusing = one;
    }
    if (refusing !== undefined) {
      const { policy, waitMs } = refusing;
      return { outcome: 'refused', policy, remaining: 0, resetMs: waitMs };
    }
    for (const one of judged) if (one.waitMs <= 0) this.book(one, nowMs);
    return standingOf(judged, nowMs);
  }

  /** Refusals of a principal lately. */
  refusalsOf({ policy, principal }: Charge): number {
    const meter = this.meters.find(keyOf(policy, principal));
    if (meter === undefined || meter.refusedAtMs + MEMORY_MS <= this.clock.nowMs()) return 0;
    return meter.refusals;
  }

  /** What a principal has used up of its share: 0 to 1, more where several processes gave it away at once. */
  useOf({ policy, principal }: Charge): number {
    const meter = this.meters.find(keyOf(policy, principal));
    return meter === undefined ? 0 : Math.max(0, meter.arrivalMs - this.clock.nowMs()) / shareMs(policy);
  }

  private judge({ policy, principal }: Charge, share: number, nowMs: number): Judged {
    const key = keyOf(policy, principal);
    const meter = this.meters.find(key);
    const arrivalMs = meter?.arrivalMs ?? 0;
    const interval = intervalMs(policy) / share;
    // While nobody has told, the others let through as much as before.
    const ofOthersMs = meter === undefined ? 0 : meter.unanswered * (1 / meter.part - 1) * interval;
    const waitMs =
      arrivalMs + ofOthersMs + interval - Math.max(shareMs(policy), interval) - nowMs - TOLERANCE_MS;
    return { policy, key, arrivalMs, interval, waitMs };
  }

  private note({ key }: Judged, nowMs: number): void {
    const meter = this.meters.of(key, nowMs);
    if (meter.refusedAtMs + MEMORY_MS <= nowMs) meter.refusals = 0;
    meter.refusals += 1;
    meter.refusedAtMs = nowMs;
  }

  private book(one: Judged, nowMs: number): void {
    const meter = this.meters.of(one.key, nowMs);
    one.arrivalMs = Math.max(meter.arrivalMs, nowMs) + one.interval;
    meter.arrivalMs = one.arrivalMs;
    meter.intervalMs = intervalMs(one.policy);
    if (meter.unbooked === 0) meter.cameAtMs = nowMs;
    meter.unbooked += 1;
    meter.unanswered += 1;
    if (meter.arrivalMs - nowMs < EARLY_SHARE * shareMs(one.policy)) {
      this.defer(meter);
      return;
    }
    this.deferred.delete(meter.key);
    this.pending.set(meter.key, meter);
    this.schedule();
  }

  private defer(meter: Meter): void {
    if (this.pending.has(meter.key)) return;
    this.deferred.set(meter.key, meter);
    this.look ??= setTimeout(() => {
      this.look = undefined;
      this.bookDeferred();
    }, LOOK_EVERY_MS).unref();
  }

  private bookDeferred(): void {
    const nowMs = this.clock.nowMs();
    for (const meter of this.deferred.values()) {
      if (meter.arrivalMs > nowMs) {
        this.pending.set(meter.key, meter);
      } else {
        meter.unanswered -= meter.unbooked;
        meter.unbooked = 0;
      }
    }
    this.deferred.clear();
    this.schedule();
  }

  private schedule(): void {
    if (this.bookingUnderWay || this.pending.size === 0) return;
    this.bookingUnderWay = true;
    const waitMs = this.bookedAtMs + BOOKING_EVERY_MS - performance.now();
    const begin = (): void => {
      void this.settle();
    };
    if (waitMs > 0) setTimeout(begin, waitMs).unref();
    else setImmediate(begin);
  }

  private async settle(): Promise<void> {
    this.bookedAtMs = performance.now();
    const meters = [...this.pending.values()];
    this.pending.clear();
    const bookings = meters.map(({ key, intervalMs: interval, unbooked, cameAtMs }): Booking => {
      return { key, intervalMs: interval, requests: unbooked, cameAtMs };
    });
    // What comes from now on is not in this booking; what Redis does not hear of this time it never does.
    for (const meter of meters) meter.unbooked = 0;
    const standing = await this.ledger.book(bookings);
    this.bookingUnderWay = false;
    if (standing === undefined) {
      this.failingSinceMs ??= performance.now();
    } else {
      this.failingSinceMs = undefined;
      this.clock.learn(standing.nowMs, this.bookedAtMs);
      meters.forEach((meter, index) => {
        const booking = bookings[index];
        const toldMs = standing.arrivalsMs[index];
        if (booking !== undefined && toldMs !== undefined) learn(meter, booking, toldMs);
      });
    }
    for (const meter of meters) meter.unanswered = meter.unbooked;
    this.schedule();
  }
}

function keyOf({ name }: Policy, principal: string): string {
  return `${name}:${principal}`;
}

function learn(meter: Meter, { requests, cameAtMs }: Booking, toldMs: number): void {
  const inAll = (toldMs - Math.max(meter.toldMs, cameAtMs)) / meter.intervalMs;
  const part = Math.min(1, Math.max(LEAST_PART, requests / Math.max(inAll, 1)));
  meter.part += (part - meter.part) * LEARNING;
  meter.toldMs = toldMs;
  meter.arrivalMs = Math.max(meter.arrivalMs, toldMs + meter.unbooked * meter.intervalMs);
}

function standingOf(judged: readonly Judged[], nowMs: number): Taking {
  let least: Taking | undefined;
  for (const { policy, arrivalMs, interval } of judged) {
    const usedMs = Math.max(0, arrivalMs - nowMs);
    const left = Math.floor((shareMs(policy) - usedMs + TOLERANCE_MS) / interval);
    const remaining = Math.min(policy.burst - 1, Math.max(0, left));
    if (least !== undefined && remaining >= least.remaining) continue;
    const resetMs = remaining === 0 ? usedMs + interval - shareMs(policy) : usedMs;
    least = { outcome: 'taken', policy, remaining, resetMs };
  }
  if (least === undefined) throw new Error('a request is charged to nobody');
  return least;
}
