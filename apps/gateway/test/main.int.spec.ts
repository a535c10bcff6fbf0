import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asRedisUser, freePort, startRedis, waitUntil, type RedisServer } from '@flux/testing';

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

  describe('in production', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flux-secrets-'));
    const strong = randomBytes(32).toString('hex');
    const secretFile = join(folder, 'jwt-secret');
    const env = {
      NODE_ENV: 'production',
      FLUX_JWT_SECRET: strong,
      FLUX_TOKEN_KEYS: `k1:${strong}`,
    };

    beforeAll(() => {
      writeFileSync(secretFile, `${strong}\n`);
    });
    afterAll(() => {
      rmSync(folder, { recursive: true });
    });

    it.each([
      ['that is missing', { FLUX_TOKEN_KEYS: '' }, 'FLUX_TOKEN_KEYS'],
      ['that is an example', { FLUX_JWT_SECRET: `change-me-canary-${strong}` }, 'FLUX_JWT_SECRET'],
      ['that is short', { FLUX_TOKEN_KEYS: 'k1:canary' }, 'FLUX_TOKEN_KEYS'],
      ['of one character', { FLUX_TOKEN_KEYS: `k1:${'c'.repeat(64)}` }, 'FLUX_TOKEN_KEYS'],
      ['that is a default', { REDIS_URL: 'redis://127.0.0.1:6379' }, 'REDIS_URL'],
      ['that is given twice', { FLUX_JWT_SECRET_FILE: secretFile }, 'FLUX_JWT_SECRET'],
    ])(
      'refuses to start with a secret %s, by the name of the variable',
      async (_name, spoilt, variable) => {
        const redisUrl = asRedisUser(redis.url, 'gateway');
        const { exited, output } = run({ ...env, REDIS_URL: redisUrl, ...spoilt });
        expect(await exited).toBe(1);
        expect(output()).toContain(`${variable}: `);
        expect(output()).not.toContain('canary');
        expect(output()).not.toContain(strong);
      },
      START_MS,
    );

    it(
      'starts with strong secrets, also from files, and writes none of them',
      async () => {
        const { child, exited, output } = run({
          ...env,
          FLUX_JWT_SECRET: '',
          FLUX_JWT_SECRET_FILE: secretFile,
          REDIS_URL: asRedisUser(redis.url, 'gateway'),
          FLUX_GATEWAY_PORT: String(await freePort()),
          FLUX_GATEWAY_MANAGEMENT_PORT: String(await freePort()),
        });
        await waitUntil('it listens', () => output().includes('"started"'), { timeoutMs: START_MS });
        child.kill('SIGTERM');
        expect(await exited).toBe(0);
        expect(output()).not.toContain(strong);
      },
      START_MS,
    );
  });

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
