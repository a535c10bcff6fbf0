import type { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import { classifyError } from './classify-error';
import { reconnectDelayMs, type RedisConnection } from './redis-connection';
import type { RedisConfig } from './settings';

/** What an accepted order's survival rests on, and the variable that lets a process start without. */
const REQUIREMENTS = [
  { setting: 'appendonly', value: 'yes', waiver: 'FLUX_WAIVE_REDIS_APPENDONLY' },
  { setting: 'appendfsync', value: 'always', waiver: 'FLUX_WAIVE_REDIS_APPENDFSYNC' },
  { setting: 'maxmemory-policy', value: 'noeviction', waiver: 'FLUX_WAIVE_REDIS_EVICTION' },
] as const satisfies readonly {
  readonly setting: string;
  readonly value: string;
  readonly waiver: keyof RedisConfig;
}[];
type Requirement = (typeof REQUIREMENTS)[number];

/** Redis is reachable, and its settings can lose orders: the process must not start. */
export class UnsafeRedisError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Redis is not safe for orders:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'UnsafeRedisError';
  }
}

/**
 * Resolves when every master was reached and its settings are safe or waived; waits while one cannot be reached.
 * @throws UnsafeRedisError that names each setting and its waiver
 * @throws the signal's reason when it is aborted
 */
export async function checkRedisSettings(
  connection: RedisConnection,
  config: RedisConfig,
  signal?: AbortSignal,
): Promise<void> {
  const wanted = REQUIREMENTS.filter(({ waiver }) => !config[waiver]);
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const masters = connection.isReady() ? connection.masters() : [];
    const reports = await Promise.all(masters.map((master) => problemsOf(master, wanted)));
    const reached = reports.filter((report) => report !== undefined);
    const problems = [...new Set(reached.flat())];
    if (problems.length > 0) throw new UnsafeRedisError(problems);
    if (reports.length > 0 && reached.length === reports.length) return;
    await pause(reconnectDelayMs(attempt), undefined, signal === undefined ? {} : { signal });
  }
}

/** What is unsafe on one server; undefined where it could not be asked. */
async function problemsOf(
  master: Redis,
  wanted: readonly Requirement[],
): Promise<readonly string[] | undefined> {
  try {
    const checks = await Promise.all(wanted.map((requirement) => problemOf(master, requirement)));
    return checks.filter((problem) => problem !== undefined);
  } catch (error) {
    const { outcome, reason } = classifyError(error);
    if (outcome !== 'unavailable' || !/^(NOPERM|ERR)\b/.test(reason)) return undefined;
    const waivers = wanted.map(({ waiver }) => `${waiver}=1`).join(', ');
    return [
      `CONFIG GET is refused, so the settings cannot be checked (${reason}): ` +
        `allow it, or check them yourself and set ${waivers}`,
    ];
  }
}

async function problemOf(
  master: Redis,
  { setting, value, waiver }: Requirement,
): Promise<string | undefined> {
  const [, found] = (await master.config('GET', setting)) as readonly (string | undefined)[];
  if (found === value) return undefined;
  const is = found === undefined ? 'is not told' : `is "${found}"`;
  return `${setting} ${is}, must be "${value}" (or set ${waiver}=1 and accept the loss)`;
}
