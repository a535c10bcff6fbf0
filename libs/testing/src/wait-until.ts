import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks again until the answer is there: tests wait on conditions, never on the clock.
 * @param what names the condition in the error
 * @returns the first answer that is neither undefined nor false
 * @throws when `timeoutMs` has passed
 */
export async function waitUntil<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined | false> | Answer | undefined | false,
  { timeoutMs = 30_000, everyMs = 25 }: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<Answer> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain until ${what}`);
    await pause(everyMs);
  }
}
