import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const BENCH_TOOLS = join(__dirname, '../../../tools/bench');

export interface BenchRow {
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface BenchResult {
  readonly name: string;
  readonly commit: string;
  readonly machine: string;
  readonly rounds: number;
  readonly rows: readonly BenchRow[];
  readonly bars: readonly unknown[];
}

export interface BenchSmoke {
  readonly exitCode: number | null;
  /** By file name. */
  readonly results: ReadonlyMap<string, BenchResult>;
}

/** One tiny round of these benchmarks, on servers of their own and in processes as an installation has them. */
export async function smokeBenchmarks(...names: readonly string[]): Promise<BenchSmoke> {
  const folder = await mkdtemp(join(tmpdir(), 'flux-bench-'));
  try {
    const ownServers = { REDIS_URL: '', KAFKA_BROKERS: '', DATABASE_URL: '', FLUX_KAFKA_REPLICATION: '' };
    const args = [join(BENCH_TOOLS, 'bench.mjs'), ...names, '--smoke', '--results', folder];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, NODE_ENV: 'development', ...ownServers },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
    const results = new Map<string, BenchResult>();
    for (const file of await readdir(folder)) {
      results.set(file, JSON.parse(await readFile(join(folder, file), 'utf8')) as BenchResult);
    }
    return { exitCode, results };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What was measured is not looked at, but that it was: numbers, a round, where, of which commit. */
export function expectMeasured({ exitCode, results }: BenchSmoke, ...names: readonly string[]): void {
  expect(exitCode).toBe(0);
  expect([...results.keys()].sort()).toEqual(names.map((name) => `${name}.json`).sort());
  for (const [file, { name, commit, machine, rounds, rows, bars }] of results) {
    expect(`${name}.json`).toBe(file);
    expect([commit, machine].every((text) => text.length > 0)).toBe(true);
    expect({ rounds, bars }).toEqual({ rounds: 1, bars: [] });
    expect(rows.length).toBeGreaterThan(0);
    const strange = rows.filter(({ median, min, max }) => ![median, min, max].every(Number.isFinite));
    expect(strange.map(({ metric }) => `${name}: ${metric}`)).toEqual([]);
  }
}

/** A ratio is there, and is one of two things that both happened. */
export function expectRatios({ results }: BenchSmoke, name: string, ...metrics: readonly string[]): void {
  const rows = results.get(`${name}.json`)?.rows ?? [];
  for (const metric of metrics) {
    expect(rows.find((row) => row.metric === metric)?.median).toBeGreaterThan(0);
  }
}
