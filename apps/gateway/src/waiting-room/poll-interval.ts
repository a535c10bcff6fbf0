/** Sooner nobody needs to look: a tick of the room comes every 100 ms. */
const SHORTEST_MS = 500;

/** Of the wait that is expected, after how much to look again. */
const SHARE = 0.25;

/** Spread, so that those who came in one instant do not look in one. */
const JITTER = 0.3;

/**
 * After how long somebody should look again: the nearer the turn, the sooner.
 * @param waitMs the shortest wait that is expected; Infinity while nobody is called
 * @param longestMs of all intervals
 */
export function askAgainMs(waitMs: number, longestMs: number, random: () => number = Math.random): number {
  const wanted = Math.min(longestMs, Math.max(SHORTEST_MS, waitMs * SHARE));
  return Math.round(wanted * (1 - JITTER * random()));
}
