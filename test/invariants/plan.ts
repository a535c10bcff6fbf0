import type { Breakage } from './faults/fault';
import { Random } from './random';

/** What a shopper does besides buying. */
export type Fate =
  | 'keep'
  /** Sends the key again, though it was answered. */
  | 'replay'
  /** Sends the key again with another payload. */
  | 'reuse'
  /** Sends the key several times at once, to all gateways. */
  | 'hurry'
  | 'cancel'
  | 'pay'
  /** The shop's backend tells of one payment several times at once. */
  | 'payRepeated'
  /** The money comes in the moment in which the hold ends. */
  | 'payAtHoldEnd'
  /** The money comes when the hold has run out. */
  | 'payLate';

/** One shopper's wish. Retries after an unknown outcome and after 503 belong to it. */
export interface Intent {
  /** Unique in the run; the idempotency key is made of it. */
  readonly number: number;
  /** From the beginning of the load. */
  readonly atMs: number;
  readonly saleId: string;
  readonly productId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly fate: Fate;
  /** Its order is looked at again and again. */
  readonly isWatched: boolean;
}

export interface PlannedStrike<Fault extends Breakage> {
  readonly fault: Fault;
  readonly atMs: number;
  readonly lastsMs: number;
  /** Orders that come at once, shortly before it strikes: something must be in flight. */
  readonly burst: readonly Intent[];
}

export interface Plan<Fault extends Breakage> {
  readonly seed: number;
  readonly loadMs: number;
  readonly intents: readonly Intent[];
  readonly strikes: readonly PlannedStrike<Fault>[];
}

export interface PlanOptions<Fault extends Breakage> {
  readonly seed: number;
  readonly loadMs: number;
  readonly faults: readonly Fault[];
  readonly ordersPerSecond?: number;
}

const SHOPPERS = 400;
const ORDERS_PER_SECOND = 15;
/** From the start of a burst to its fault: some orders are answered, some are on their way, some not sent. */
export const BURST_LEAD_MS = 60;
/** Between the heal of a fault and the next one on the same servers. */
const RECOVERY_MS = 1_200;
/** Before the first fault and after the last one there is peace. */
const PEACE_MS = 1_500;

/** Everything that the seed decides: the load, the faults, and when each of them strikes. */
export function makePlan<Fault extends Breakage>({
  seed,
  loadMs,
  faults,
  ordersPerSecond = ORDERS_PER_SECOND,
}: PlanOptions<Fault>): Plan<Fault> {
  const random = new Random(seed);
  const maker = new IntentMaker(random.fork('load'));
  const intents: Intent[] = [];
  const arrivals = random.fork('arrivals');
  for (let atMs = 0; atMs < loadMs; atMs += (-Math.log(1 - arrivals.fraction()) * 1_000) / ordersPerSecond) {
    intents.push(maker.next(atMs));
  }
  const strikes = schedule(random.fork('faults'), loadMs, faults).map((strike) => {
    const size = random.fork(`burst ${strike.atMs}`).between(8, 32);
    const burst = Array.from({ length: size }, () =>
      maker.next(strike.atMs, strike.fault.id === 'F28' ? 'payAtHoldEnd' : undefined),
    );
    return { ...strike, burst };
  });
  return { seed, loadMs, intents, strikes };
}

/**
 * In an order of its own for each seed, again and again while there is time. Two faults may overlap, but not on the
 * same servers or processes: each must really strike.
 */
function schedule<Fault extends Breakage>(
  random: Random,
  loadMs: number,
  faults: readonly Fault[],
): Omit<PlannedStrike<Fault>, 'burst'>[] {
  const strikes: Omit<PlannedStrike<Fault>, 'burst'>[] = [];
  const freeAt = new Map<string, number>();
  let cursor = PEACE_MS;
  while (cursor < loadMs - PEACE_MS) {
    const before = strikes.length;
    for (const fault of random.shuffled(faults)) {
      const lastsMs = random.between(...fault.lastsMs);
      const atMs = Math.max(cursor, ...fault.breaks.map((target) => freeAt.get(target) ?? 0));
      if (atMs + lastsMs > loadMs - PEACE_MS) continue;
      strikes.push({ fault, atMs, lastsMs });
      for (const target of fault.breaks) freeAt.set(target, atMs + lastsMs + RECOVERY_MS);
      const overlaps = lastsMs > 5_000 || random.chance(0.35);
      cursor = overlaps ? atMs + random.between(300, 900) : atMs + lastsMs + random.between(300, 900);
    }
    if (strikes.length === before) break;
  }
  return strikes.sort((one, other) => one.atMs - other.atMs);
}

const FATES: readonly (readonly [Fate, number])[] = [
  ['keep', 0.35],
  ['replay', 0.12],
  ['reuse', 0.03],
  ['hurry', 0.1],
  ['cancel', 0.12],
  ['pay', 0.18],
  ['payRepeated', 0.1],
];

const BRIEF_FATES: readonly (readonly [Fate, number])[] = [
  ['keep', 0.25],
  ['cancel', 0.1],
  ['pay', 0.15],
  ['payAtHoldEnd', 0.3],
  ['payLate', 0.2],
];

class IntentMaker {
  private made = 0;

  constructor(private readonly random: Random) {}

  next(atMs: number, fate?: Fate): Intent {
    const { random } = this;
    this.made += 1;
    const isBrief = fate !== undefined || random.chance(0.25);
    const productId = isBrief ? 'flash' : random.pick(['plenty', 'plenty', 'plenty', 'scarce']);
    return {
      number: this.made,
      atMs: Math.round(atMs),
      saleId: isBrief ? 'brief' : 'steady',
      productId,
      shopperId: `shopper-${random.between(1, SHOPPERS)}`,
      quantity: productId === 'plenty' ? random.between(1, 2) : 1,
      fate: fate ?? this.drawn(isBrief ? BRIEF_FATES : FATES),
      isWatched: random.chance(0.3),
    };
  }

  private drawn(fates: readonly (readonly [Fate, number])[]): Fate {
    let left = this.random.fraction();
    for (const [fate, share] of fates) {
      left -= share;
      if (left < 0) return fate;
    }
    return 'keep';
  }
}
