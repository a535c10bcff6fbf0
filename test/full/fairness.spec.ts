import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Ten thousand shoppers come at half of what the machine can do, whatever that is. */
jest.setTimeout(1_800_000);

const PROGRAM = join(__dirname, '../../tools/fairness/fairness.mjs');

interface Row {
  readonly metric: string;
  readonly value: number;
  readonly bar?: string;
  readonly met?: boolean;
}

interface Result {
  readonly shoppers: number;
  readonly rows: readonly Row[];
}

/** Section 4 of the guarantees, over HTTP with four gateway processes: `npm run fairness` itself judges. */
describe('npm run fairness', () => {
  let folder: string;
  let exitCode: number | null;
  let result: Result;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flux-fairness-'));
    const ownServers = { REDIS_URL: '', KAFKA_BROKERS: '', DATABASE_URL: '', FLUX_KAFKA_REPLICATION: '' };
    const child = spawn(process.execPath, [PROGRAM, '--results', folder], {
      env: { ...process.env, NODE_ENV: 'development', ...ownServers },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
    result = JSON.parse(await readFile(join(folder, 'fairness.json'), 'utf8')) as Result;
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('meets every bar over ten thousand shoppers', () => {
    expect(result.shoppers).toBe(10_000);
    expect(result.rows.filter(({ met }) => met === false)).toEqual([]);
    expect(exitCode).toBe(0);
  });

  it.each([
    'load, mean, of the capacity',
    'inversions beyond 50 ms, of all such pairs',
    'inversions behind an answer',
    "Kendall's tau-b, place to admission",
    "Kendall's tau-b, sending to admission",
    'starvation, at most',
    "in the first half, of each class: Jain's index, least",
    'in the first half, of each class: largest ratio',
    "scarce: admitted, of each class: Jain's index, least",
    'shuffle: |tau| of arrival and rank',
    'shuffle: chi-square over deciles',
    'stolen returns',
    'useless wait, at most, by events',
    'concentration: units of one shopper, most',
  ])('asks for: %s', (metric) => {
    expect(result.rows.find((row) => row.metric === metric)).toMatchObject({ met: true });
  });

  it('measures the admitted of a second over four processes', () => {
    const rates = result.rows.filter(({ metric }) => metric.startsWith('admitted in any second'));
    expect(rates.map(({ met }) => met)).toEqual([true, true]);
  });

  it('draws a picture', async () => {
    expect(await readFile(join(folder, 'fairness.svg'), 'utf8')).toContain('<svg');
  });
});
