import { crowd, countBy, kindOf } from '../e2e/support/crowd';
import type { AppProcess } from '../e2e/support/app-process';
import { startWorld, type World } from '../e2e/support/world';
import { makeOtherRelease, type OtherRelease } from './support/other-release';
import { SaleRun } from './support/sale-run';
import { SteadyLoad } from './support/steady-load';

jest.setTimeout(240_000);

const GRACE = { FLUX_SHUTDOWN_GRACE_MS: '3000' };
const APPS = ['gateway', 'relay', 'orders'] as const;

/** Two releases side by side whose scripts differ in their texts, under load, one process replaced after the other. */
describe('a rolling upgrade', () => {
  let release: OtherRelease;
  let world: World;
  let run: SaleRun;

  beforeAll(async () => {
    release = await makeOtherRelease();
    world = await startWorld({ gateways: 0, relays: 0, orders: 0 });
    run = await SaleRun.open(world, 'upgrade');
  });

  afterAll(async () => {
    await run.close();
    await world.stop();
    await release.remove();
  });

  async function loadedScripts(names: readonly string[]): Promise<number> {
    const found = (await world.redis.client.script('EXISTS', ...names)) as number[];
    return found.filter((each) => each === 1).length;
  }

  it('costs nobody more than a 503 with Retry-After, and no release repeats or forgets what the other has done', async () => {
    const old = { gateway: [], relay: [], orders: [] } as Record<(typeof APPS)[number], AppProcess[]>;
    const renewed = { gateway: [], relay: [], orders: [] } as Record<(typeof APPS)[number], AppProcess[]>;
    await Promise.all(
      APPS.map(async (app) => {
        old[app] = await Promise.all([world.start(app, GRACE), world.start(app, GRACE)]);
      }),
    );
    const gateways = () => [...old.gateway, ...renewed.gateway];
    const load = new SteadyLoad({ run, gateways });
    await load.accepts(100);
    expect(await loadedScripts(release.scripts.old)).toBeGreaterThan(0);
    expect(await loadedScripts(release.scripts.new)).toBe(0);

    const replaceOneOfEach = async (): Promise<void> => {
      const started = APPS.map(async (app) => {
        renewed[app].push(await world.start(app, GRACE, release.dist));
      });
      await Promise.all(started);
      for (const app of APPS) {
        await load.accepts(50);
        expect(await old[app][0]!.stop()).toBe(0);
        old[app].shift();
      }
    };
    await replaceOneOfEach();
    await load.accepts(100);
    expect(await loadedScripts(release.scripts.new)).toBeGreaterThan(0);

    // Half of each: what one release accepted the other answers again, byte for byte.
    const accepted = run.answers.filter(({ status }) => status === 202).slice(0, 100);
    const attempts = accepted.map(({ attempt }) => attempt);
    for (const release of [old, renewed]) {
      const again = await crowd(release.gateway, attempts, 8);
      run.answers.push(...again);
      expect(countBy(again, kindOf)).toEqual({ replayed: attempts.length });
      const bodies = new Map(again.map(({ attempt, body }) => [attempt.idempotencyKey, body]));
      for (const { attempt, body } of accepted) expect(bodies.get(attempt.idempotencyKey)).toBe(body);
    }

    await replaceOneOfEach();
    await load.accepts(100);
    await load.stop();
    expect(load.unexpected).toEqual([]);
    expect(load.cutOff).toEqual([]);
    await run.proved();
  });
});
