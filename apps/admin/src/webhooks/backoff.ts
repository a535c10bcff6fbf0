const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * The pause after the nth attempt, n from 1: doubled each time up to an hour, half of it random, so that what failed
 * together does not come back together. A day has about 34 attempts.
 */
export function backoffMs(attempts: number, random: () => number = Math.random): number {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempts - 1));
  return Math.round(pauseMs * (0.5 + random() / 2));
}
