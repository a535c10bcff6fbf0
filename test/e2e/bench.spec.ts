import { spawn } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TOOLS = join(__dirname, '../../tools/bench');
const BENCH = join(TOOLS, 'bench.mjs');

interface Row {
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

interface Result {
  readonly name: string;
  readonly commit: string;
  readonly machine: string;
  readonly rounds: number;
  readonly rows: readonly Row[];
  readonly bars: readonly unknown[];
}

/** One tiny round of every benchmark: what they measure is not looked at, but that they measure it. */
describe('npm run bench -- --smoke', () => {
  let folder: string;
  let exitCode: number | null;
  let results: ReadonlyMap<string, Result>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flux-bench-'));
    // Benchmarks have servers of their own and run processes as an installation does.
    const env = {
      ...process.env,
      NODE_ENV: 'development',
      REDIS_URL: '',
      KAFKA_BROKERS: '',
      DATABASE_URL: '',
    };
    const child = spawn(process.execPath, [BENCH, '--smoke', '--results', folder], {
      env: { ...env, FLUX_KAFKA_REPLICATION: '' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    exitCode = await new Promise((resolve) => child.once('close', resolve));
    const files = await readdir(folder);
    results = new Map(
      await Promise.all(
        files.map(async (file) => {
          const result = JSON.parse(await readFile(join(folder, file), 'utf8')) as Result;
          return [file, result] as const;
        }),
      ),
    );
  }, 300_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('runs every benchmark, and each round is valid', () => {
    expect(exitCode).toBe(0);
    const names = 'accept drain durability expiry gate latency price refuse scale sustained'.split(' ');
    expect([...results.keys()].sort()).toEqual(names.map((name) => `${name}.json`));
  });

  it('writes what was measured where, in numbers', () => {
    for (const [file, { name, commit, machine, rounds, rows, bars }] of results) {
      expect(`${name}.json`).toBe(file);
      expect([commit, machine].every((text) => text.length > 0)).toBe(true);
      expect({ rounds, bars }).toEqual({ rounds: 1, bars: [] });
      expect(rows.length).toBeGreaterThan(0);
      const measured = rows.flatMap(({ metric, median, min, max }) =>
        [median, min, max].every(Number.isFinite) ? [] : [`${name}: ${metric}`],
      );
      expect(measured).toEqual([]);
    }
  });

  it.each([
    ['accept', ['accept/bare', 'accept/naive']],
    ['sustained', ['sustained/bare']],
    ['drain', ['drain/bare']],
    ['refuse', ['refuse/bare']],
    ['price', ['accepted, now/before']],
  ])('has the headline ratios of %s', (name, metrics) => {
    const rows = results.get(`${name}.json`)?.rows ?? [];
    for (const metric of metrics) {
      expect(rows.find((row) => row.metric === metric)?.median).toBeGreaterThan(0);
    }
  });
});

describe('what benchmarks are made of', () => {
  it('takes the median of the rounds and holds it against the bar', async () => {
    const { stdout } = await evaluate(`
      import { percentile, summaryOf } from '${TOOLS}/result.mjs';
      const rounds = [0.7, 0.5, 0.9, 0.64, 0.66].map((value) => [{ metric: 'a/b', unit: '', value }]);
      const bars = [{ metric: 'a/b', atLeast: 0.66 }, { metric: 'a/b', atLeast: 0.67 }, { metric: 'a/b', atMost: 0.65 }];
      const values = Array.from({ length: 1000 }, (_, index) => 1000 - index);
      const percentiles = [0.5, 0.99, 0.999].map((share) => percentile(values, share));
      console.log(JSON.stringify({ ...summaryOf(rounds, bars), percentiles }));`);
    const { rows, bars, percentiles } = JSON.parse(stdout) as {
      readonly rows: readonly Row[];
      readonly bars: readonly { readonly measured: number; readonly met: boolean }[];
      readonly percentiles: readonly number[];
    };
    expect(rows).toEqual([{ metric: 'a/b', unit: '', median: 0.66, min: 0.5, max: 0.9 }]);
    expect(bars.map(({ measured, met }) => [measured, met])).toEqual([
      [0.66, true],
      [0.66, false],
      [0.66, false],
    ]);
    expect(percentiles).toEqual([500, 990, 999]);
  });

  describe('a load of purchases', () => {
    const AMOUNT = 300;
    let server: Server | undefined;

    afterEach(() => server?.close());

    /** The program that buys, against a shop that answers as told. */
    async function buy(listener: RequestListener): Promise<{ exitCode: number | null; output: string }> {
      server = createServer((request, response) => {
        request.resume().once('end', () => {
          listener(request, response);
        });
      });
      await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const { exitCode, stdout, stderr } = await evaluate(`
        import { buyByWrk } from '${TOOLS}/load/wrk.mjs';
        const sale = { saleId: 'sale', productIds: ['one', 'two'] };
        const load = await buyByWrk({ url: 'http://127.0.0.1:${port}', ...sale, amount: ${AMOUNT}, seed: 's' });
        console.log(JSON.stringify(load));`);
      return { exitCode, output: stdout + stderr };
    }

    it('is so many purchases, each with its own key and shopper', async () => {
      const keys = new Set<unknown>();
      const shoppers = new Set<unknown>();
      let purchases = 0;
      const { exitCode, output } = await buy((request, response) => {
        purchases += 1;
        keys.add(request.headers['idempotency-key']);
        shoppers.add(request.headers['x-shopper-id']);
        response.writeHead(202).end();
      });
      expect({ exitCode, purchases }).toEqual({ exitCode: 0, purchases: AMOUNT });
      expect([keys.size, shoppers.size]).toEqual([AMOUNT, AMOUNT]);
      expect((JSON.parse(output) as { perSecond: number }).perSecond).toBeGreaterThan(0);
    });

    it.each<[string, RequestListener]>([
      ['one answer with another status', (_request, response) => response.writeHead(409).end()],
      [
        'one replay',
        (_request, response) => response.writeHead(202, { 'idempotency-replayed': 'true' }).end(),
      ],
    ])('counts for nothing with %s', async (_name, spoil) => {
      let purchases = 0;
      const { exitCode, output } = await buy((request, response) => {
        purchases += 1;
        if (purchases === 100) spoil(request, response);
        else response.writeHead(202).end();
      });
      expect(exitCode).not.toBe(0);
      expect(output).toContain('not valid');
    });
  });
});

/** Runs a module's text with Node. */
function evaluate(
  text: string,
): Promise<{ readonly exitCode: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', text]);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += String(chunk)));
    child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)));
    child.once('close', (exitCode) => {
      resolve({ exitCode, stdout, stderr });
    });
  });
}
