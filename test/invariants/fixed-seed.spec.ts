import { expectPromisesKept } from './expect-promises';
import { SINGLE_NODE_FAULTS } from './faults';
import { runSeed } from './run';
import { PrivateServers } from './world/private-servers';
import { World } from './world/world';

/** Chosen because it kills Redis and a process of three kinds, and restarts neither broker nor database, which takes long. */
const SEED = 263;
const LOAD_MS = 16_000;
/** Of the 14 that the seed chooses; a slow machine has no time for the last ones. */
const LEAST_FAULTS = 7;
/** How long it takes is the machine's affair. */
jest.setTimeout(600_000);

/** One seed for every change. Many more: `npm run test:full`, `npm run chaos`. */
describe(`seed ${SEED}, with a fault every second or two`, () => {
  let servers: PrivateServers;

  beforeAll(async () => {
    servers = await PrivateServers.start();
  });

  afterAll(async () => {
    await servers.remove();
  });

  it('keeps every promise', async () => {
    const report = await runSeed({
      seed: SEED,
      loadMs: LOAD_MS,
      faults: SINGLE_NODE_FAULTS,
      topology: 'single',
      durability: 'strict',
      start: () => World.start(servers, 'strict'),
    });
    expectPromisesKept(report, LEAST_FAULTS);
    const unused = report.invariants.filter(({ checked, name }) => checked === 0 && !RARE.includes(name));
    expect(unused.map(({ name }) => name)).toEqual([]);
  });
});

/** What a seed without their faults has nothing of. */
const RARE = ['lost orders are reported', 'processes'];
