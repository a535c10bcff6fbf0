import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { freePort, startRedis, waitUntil, type RedisServer } from '@flux/testing';

const ROOT = join(__dirname, '../../..');

/** A process may take long to compile and start on a busy machine. */
const START_MS = 60_000;

interface Run {
  readonly child: ChildProcess;
  /** Standard output and error, as far as they have come. */
  readonly output: () => string;
  readonly exited: Promise<number | null>;
}

function runMain(env: Readonly<Record<string, string>>): Run {
  const hook = join(ROOT, 'tools/ts-hook.cjs');
  const child = spawn(process.execPath, ['--require', hook, 'apps/gateway/src/main.ts'], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(String(chunk)));
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  return { child, output: () => chunks.join(''), exited };
}

describe('the gateway as a process', () => {
  const runs: Run[] = [];
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedis();
  });

  afterAll(async () => {
    for (const { child } of runs) child.kill('SIGKILL');
    await Promise.all(runs.map(({ exited }) => exited));
    await redis.remove();
  });

  function run(env: Readonly<Record<string, string>>): Run {
    const started = runMain(env);
    runs.push(started);
    return started;
  }

  async function listening(): Promise<Run & { readonly base: string; readonly management: string }> {
    const [port, managementPort] = [await freePort(), await freePort()];
    const started = run({
      FLUX_AUTH: 'demo',
      REDIS_URL: redis.url,
      FLUX_GATEWAY_PORT: String(port),
      FLUX_GATEWAY_MANAGEMENT_PORT: String(managementPort),
    });
    await waitUntil('it listens', () => started.output().includes('"started"'), { timeoutMs: START_MS });
    return { ...started, base: `http://127.0.0.1:${port}`, management: `http://127.0.0.1:${managementPort}` };
  }

  it(
    'refuses to start on a wrong configuration, and prints every problem by the name of the variable',
    async () => {
      const { exited, output } = run({ FLUX_JWT_SECRET: 'canary-short', FLUX_GATEWAY_PORT: 'canary' });
      expect(await exited).toBe(1);
      expect(output()).toContain('FLUX_JWT_SECRET: ');
      expect(output()).toContain('FLUX_GATEWAY_PORT: ');
      expect(output()).not.toContain('canary');
    },
    START_MS,
  );

  it(
    'refuses to start on a Redis that can lose orders, and names the setting and its waiver',
    async () => {
      await redis.client.config('SET', 'appendfsync', 'everysec');
      const { exited, output } = run({
        FLUX_AUTH: 'demo',
        REDIS_URL: redis.url,
        FLUX_GATEWAY_MANAGEMENT_PORT: String(await freePort()),
      });
      expect(await exited).toBe(1);
      expect(output()).toContain('FLUX_DURABILITY=fast');
      await redis.client.config('SET', 'appendfsync', 'always');
    },
    START_MS,
  );

  it(
    'serves metrics on its management port alone, and stops in order at SIGTERM',
    async () => {
      const { child, exited, output, base, management } = await listening();
      expect(await (await fetch(`${management}/metrics`)).text()).toContain('flux_purchase_decisions_total');
      expect((await fetch(`${management}/health/live`)).status).toBe(200);
      expect((await fetch(`${base}/metrics`)).status).toBe(404);
      child.kill('SIGTERM');
      expect(await exited).toBe(0);
      expect(output()).toContain('"stopped"');
    },
    START_MS,
  );
});
