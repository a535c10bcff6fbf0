import { clusterFaults } from './faults/cluster-faults';
import { expectPromisesKept } from './expect-promises';
import { runSeed } from './run';
import { ClusterServers } from './world/cluster-servers';
import { ClusterWorld } from './world/cluster-world';

const SEEDS = [2_001];
const LOAD_MS = 25_000;
const LEAST_FAULTS = 4;

/** How long it takes is the machine's affair. */
jest.setTimeout(600_000);

/** As production has it: Redis Cluster with replicas, three Kafka brokers, two of each process. */
describe('no oversell and no lost order, whatever dies of a cluster', () => {
  let servers: ClusterServers;

  beforeAll(async () => {
    servers = await ClusterServers.start();
  });

  afterAll(async () => {
    await servers.remove();
  });

  it.each(SEEDS)('seed %i keeps every promise', async (seed) => {
    const report = await runSeed({
      seed,
      loadMs: LOAD_MS,
      faults: clusterFaults,
      topology: 'cluster',
      durability: 'replicated',
      start: () => ClusterWorld.start(servers),
    });
    expectPromisesKept(report, LEAST_FAULTS);
  });
});
