import { freePort } from './free-port';
import { RedisServer } from './redis-server';
import { waitUntil } from './wait-until';

const SLOTS = 16_384;
const MASTERS = 3;

/** A Redis Cluster of the test's own: three masters, each with a third of the slots, no replicas. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** All nodes, separated by commas. */
  readonly url: string;
  readonly remove: () => Promise<void>;
}

/** Ready for use when it resolves: every node serves and knows every slot. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: MASTERS }, startNode));
  await Promise.all(nodes.map((node, index) => giveSlots(node, index)));
  const [first, ...others] = nodes;
  for (const { port, busPort } of others) {
    await first?.server.client.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
  }
  await waitUntil('every node of the cluster knows every slot', async () => {
    const infos = await Promise.all(nodes.map(({ server }) => server.client.cluster('INFO')));
    return infos.every(
      (info) => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${MASTERS}`),
    );
  });
  const servers = nodes.map(({ server }) => server);
  return {
    nodes: servers,
    url: servers.map(({ url }) => url).join(','),
    remove: async () => {
      await Promise.all(servers.map((server) => server.remove()));
    },
  };
}

interface Node {
  readonly server: RedisServer;
  readonly port: number;
  readonly busPort: number;
}

async function startNode(): Promise<Node> {
  const busPort = await freePort();
  const server = await RedisServer.start({
    config: {
      'cluster-enabled': 'yes',
      'cluster-port': String(busPort),
      'cluster-node-timeout': '2000',
      'cluster-announce-ip': '127.0.0.1',
    },
  });
  return { server, port: server.port, busPort };
}

async function giveSlots({ server }: Node, index: number): Promise<void> {
  const from = Math.floor((index * SLOTS) / MASTERS);
  const to = Math.floor(((index + 1) * SLOTS) / MASTERS) - 1;
  // Different epochs spare the nodes the time in which they would settle a tie.
  await server.client.cluster('SET-CONFIG-EPOCH', index + 1);
  await server.client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
}
