/** Longest pause after a failure. */
export const LONGEST_PAUSE_MS = 30_000;
/** Pauses after failures lie between 0 and this, doubled with each. */
const FIRST_PAUSE_MS = 1_000;
/** Even the luckiest draw does not ask again at once. */
const SHORTEST_PAUSE_MS = 250;
const MAX_JITTER_MS = 1_000;

export type Random = () => number;

/**
 * When to ask again where the server has said how long to wait: never earlier. The server's figure has jitter of its own;
 * this adds a little, for shoppers whom one moment has answered.
 */
export function toldPauseMs(toldMs: number, random: Random = Math.random): number {
  return toldMs + random() * Math.min(MAX_JITTER_MS, toldMs / 10);
}

/**
 * When to ask again after a failure: exponential back-off with full jitter (Brooker, "Exponential Backoff And Jitter",
 * 2015), so that a crowd does not come back in one instant, and no earlier than the server asked for.
 * @param failures in a row, this one included
 */
export function failurePauseMs(failures: number, retryAfterMs = 0, random: Random = Math.random): number {
  const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 16));
  const pauseMs = Math.max(SHORTEST_PAUSE_MS, random() * ceiling);
  return retryAfterMs === 0 ? pauseMs : Math.max(pauseMs, toldPauseMs(retryAfterMs, random));
}
