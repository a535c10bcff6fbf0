import { spawn } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  BENCH_TOOLS as TOOLS,
  type BenchRow,
  expectMeasured,
  expectRatios,
  smokeBenchmarks,
} from './support/bench-smoke';

/** The others: `test/full/bench.spec.ts`. */
const NAMES = ['accept'];

it('npm run bench -- --smoke measures', async () => {
  const smoke = await smokeBenchmarks(...NAMES);
  expectMeasured(smoke, ...NAMES);
  expectRatios(smoke, 'accept', 'accept/bare', 'accept/naive');
}, 300_000);

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
      readonly rows: readonly BenchRow[];
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
