import { setTimeout as pause } from 'node:timers/promises';

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * Doubles with each attempt (from 1) up to the maximum, less up to half by chance, so that processes that failed
 * together do not come back together.
 */
export function backoffMs(attempt: number, { firstMs, maxMs }: Backoff, chance = Math.random()): number {
  const full = Math.min(firstMs * 2 ** Math.min(attempt - 1, 30), maxMs);
  return Math.round(full * (1 - chance / 2));
}

/** Resolves after the time, or at once when the signal is aborted. */
export async function pauseUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  // Only the abort rejects.
  await pause(ms, undefined, { signal }).catch(() => undefined);
}
