import { setTimeout as pause } from 'node:timers/promises';
import type { RedisConnection } from '@flux/gate';

/** What a command at a terminal works with. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

const CONNECT_MS = 10_000;

/** A service waits for Redis for ever; a person at a terminal does not. */
export async function connectedSoon(redis: RedisConnection): Promise<void> {
  const late = pause(CONNECT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`Redis does not answer within ${CONNECT_MS} ms: see REDIS_URL`);
  });
  await Promise.race([redis.whenReady(), late]);
}

/** Node gives several failed attempts to connect as one error without a text. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
