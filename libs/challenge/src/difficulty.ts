import { DEFAULT_CHALLENGE_BITS, MAX_CHALLENGE_BITS } from '@flux/contracts';

export interface Circumstances {
  /** The sale's own setting. */
  readonly base: number | undefined;
  /** Share of what the gateways can serve that is in use: 0 to 1. */
  readonly load: number;
  /** How often this source was refused lately. */
  readonly strikes: number;
}

/** From these shares of load on, one more bit each. */
const LOAD_STEPS = [0.5, 0.75, 0.9] as const;

/** Sixteen times the work, for a source that was refused fifteen times or more. */
const MAX_STRIKE_BITS = 4;

/**
 * Zero bits that a proof must show: the sale's, more under load, more for a source that keeps being refused. Never less
 * than the sale's, and never so many that a phone could not do it.
 */
export function difficultyOf({ base, load, strikes }: Circumstances): number {
  const loadBits = LOAD_STEPS.filter((step) => load >= step).length;
  const strikeBits = Math.min(MAX_STRIKE_BITS, Math.floor(Math.log2(1 + Math.max(0, strikes))));
  return Math.min(MAX_CHALLENGE_BITS, leastBits(base) + loadBits + strikeBits);
}

/** What a sale asks of everybody. */
export function leastBits(base: number | undefined): number {
  return base ?? DEFAULT_CHALLENGE_BITS;
}
