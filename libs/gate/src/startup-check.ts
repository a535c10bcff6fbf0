import { Logger } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { setTimeout as pause } from 'node:timers/promises';
import { classifyError } from './classify-error';
import { reconnectDelayMs, type RedisConnection } from './redis-connection';
import type { RedisConfig } from './settings';

/** What an accepted order's survival rests on, and the variable that lets a process start without. */
interface Requirement {
  readonly setting: string;
  /** The safe ones; the first is the one to set. */
  readonly values: readonly [string, ...string[]];
  readonly waiver: keyof RedisConfig;
  /** Another way out than the waiver. */
  readonly instead?: string;
}

/** How often the file must be on the disk before, or after, an answer goes out. */
const FSYNC = {
  strict: { values: ['always'], instead: 'FLUX_DURABILITY=fast' },
  replicated: { values: ['always'], instead: 'FLUX_DURABILITY=fast' },
  fast: { values: ['everysec', 'always'] },
} as const satisfies Record<RedisConfig['FLUX_DURABILITY'], Pick<Requirement, 'values' | 'instead'>>;

/** A file that may be missing may be written to the disk at any time: one waiver for both. */
function requirementsOf(config: RedisConfig): readonly Requirement[] {
  const file = 'FLUX_WAIVE_REDIS_APPENDONLY';
  const all: readonly Requirement[] = [
    { setting: 'appendonly', values: ['yes'], waiver: file },
    { setting: 'appendfsync', ...FSYNC[config.FLUX_DURABILITY], waiver: file },
    { setting: 'maxmemory-policy', values: ['noeviction'], waiver: 'FLUX_WAIVE_REDIS_EVICTION' },
  ];
  return all.filter(({ waiver }) => config[waiver] !== true);
}

/** Redis is reachable, and its settings can lose orders: the process must not start. */
export class UnsafeRedisError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Redis is not safe for orders:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'UnsafeRedisError';
  }
}

/**
 * Resolves when every master was reached and its settings are safe or waived; waits while one cannot be reached. In
 * `replicated` a master without a replica is a warning, not an obstacle: replays wait for one too, but statuses, refusals
 * and the other shards do not, and after a failover the new master has none until the old one is back.
 * @throws UnsafeRedisError that names each setting and its waiver
 * @throws the signal's reason when it is aborted
 */
export async function checkRedisSettings(
  connection: RedisConnection,
  config: RedisConfig,
  signal?: AbortSignal,
): Promise<void> {
  const wanted = requirementsOf(config);
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    const masters = connection.isReady() ? connection.masters() : [];
    const reports = await Promise.all(masters.map((master) => problemsOf(master, wanted)));
    const reached = reports.filter((report) => report !== undefined);
    const problems = [...new Set(reached.flat())];
    if (problems.length > 0) throw new UnsafeRedisError(problems);
    if (reports.length > 0 && reached.length === reports.length) {
      if (config.FLUX_DURABILITY === 'replicated') await Promise.all(masters.map(warnOfLoneMaster));
      return;
    }
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
    const waivers = [...new Set(wanted.map(({ waiver }) => `${waiver}=1`))].join(', ');
    return [
      `CONFIG GET is refused, so the settings cannot be checked (${reason}): ` +
        `allow it, or check them yourself and set ${waivers}`,
    ];
  }
}

async function problemOf(
  master: Redis,
  { setting, values, waiver, instead }: Requirement,
): Promise<string | undefined> {
  const [, found] = (await master.config('GET', setting)) as readonly (string | undefined)[];
  if (found !== undefined && values.includes(found)) return undefined;
  const is = found === undefined ? 'is not told' : `is "${found}"`;
  const must = values.map((value) => `"${value}"`).join(' or ');
  const other = instead === undefined ? '' : `${instead} or `;
  return `${setting} ${is}, must be ${must} (or set ${other}${waiver}=1 and accept the loss)`;
}

/** Whoever may not ask is not warned. */
async function warnOfLoneMaster(master: Redis): Promise<void> {
  const info = await master.info('replication').catch(() => undefined);
  if (info === undefined || /^slave\d+:.*state=online/m.test(info)) return;
  const { host, port } = master.options;
  new Logger('Gate').warn(
    `the master ${String(host)}:${String(port)} has no replica: with FLUX_DURABILITY=replicated its purchases end as outcome-unknown until it has one`,
  );
}
