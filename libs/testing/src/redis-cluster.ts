import { nodeFlags, ownsSlot, parseNodes, type ClusterNode } from './cluster-nodes';
import { freePort } from './free-port';
import { RedisServer } from './redis-server';
import { waitUntil } from './wait-until';

const SLOTS = 16_384;
const MASTERS = 3;
const INTRODUCE_EVERY_MS = 3_000;

export interface RedisClusterOptions {
  /** Of each master: 0 (default) or 1. */
  readonly replicas?: 0 | 1;
  /** Lines of redis.conf for every node. */
  readonly config?: Readonly<Record<string, string>>;
}

/**
 * A Redis Cluster of the test's own: three masters, each with a third of the slots, and where asked for a replica of
 * each. Its nodes fail each other after 2 s; a promotion takes about 3 s.
 */
export class RedisCluster {
  private constructor(
    private readonly servers: RedisServer[],
    private readonly config: Readonly<Record<string, string>>,
  ) {}

  /**
   * Ready for use when it resolves: every node serves and knows every slot, replicas are in step. No node is left where
   * it rejects.
   */
  static async start({ replicas = 0, config = {} }: RedisClusterOptions = {}): Promise<RedisCluster> {
    const count = MASTERS * (1 + replicas);
    const starts = await Promise.allSettled(Array.from({ length: count }, () => startNode(config)));
    const nodes = starts.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const servers = nodes.map(({ server }) => server);
    const cluster = new RedisCluster(servers, config);
    try {
      for (const each of starts) if (each.status === 'rejected') throw each.reason;
      await Promise.all(servers.slice(0, MASTERS).map((server, index) => giveSlots(server, index)));
      await cluster.introduce(nodes);
      await Promise.all(servers.slice(MASTERS).map((server, index) => follow(server, servers[index])));
      if (replicas > 0) await cluster.whenAllServe();
      return cluster;
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  }

  /** The masters as they were at the start, their replicas in the same order, and those that were added. */
  get nodes(): readonly RedisServer[] {
    return this.servers;
  }

  /** All nodes, separated by commas. */
  get url(): string {
    return this.nodes.map(({ url }) => url).join(',');
  }

  /** The live node that serves a key now. */
  async masterOf(key: string): Promise<RedisServer> {
    const slot = await this.slotOf(key);
    return waitUntil(`a live master serves slot ${slot}`, async () => {
      const owners = await Promise.all(
        this.alive.map(async (server) => ownsSlot(await self(server), slot) && server),
      );
      return owners.find((server) => server !== false);
    });
  }

  /** The live replica of a node. */
  async replicaOf(master: RedisServer): Promise<RedisServer> {
    const { id } = await self(master);
    return waitUntil(`a replica of ${master.port}`, async () => {
      const all = await Promise.all(
        this.alive.map(async (server) => (await self(server)).masterId === id && server),
      );
      return all.find((server) => server !== false);
    });
  }

  async slotOf(key: string): Promise<number> {
    const [server] = this.alive;
    return Number(await server?.client.cluster('KEYSLOT', key));
  }

  /**
   * SIGKILLs a master and waits until its replica serves in its place and every live node knows.
   * @returns the new master
   */
  async failOver(master: RedisServer): Promise<RedisServer> {
    const replica = await this.replicaOf(master);
    await master.kill();
    await waitUntil('the replica is promoted', async () => nodeFlags(await self(replica)).has('master'));
    await this.whenAllServe();
    return replica;
  }

  /** Starts a node that was killed again and waits until it follows the master that took its place. */
  async comeBack(server: RedisServer): Promise<void> {
    await server.restart();
    await waitUntil('the node is a replica in step', async () => isInStep(server));
    await this.whenAllServe();
  }

  /** A master that serves no slot yet. */
  async addMaster(): Promise<RedisServer> {
    const { server, busPort } = await startNode(this.config);
    this.servers.push(server);
    await this.introduce([{ server, busPort }]);
    return server;
  }

  /** How many error replies of a kind (`MOVED`, `ASK`, `TRYAGAIN`) the live nodes have given. */
  async errorReplies(kind: string): Promise<number> {
    const infos = await Promise.all(this.alive.map(({ client }) => client.info('errorstats')));
    return infos.reduce(
      (sum, info) => sum + Number(new RegExp(`errorstat_${kind}:count=(\\d+)`).exec(info)?.[1] ?? 0),
      0,
    );
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((server) => server.remove()));
  }

  /** Until all know each other: a node forgets whom it was introduced to where that one does not answer in time. */
  private async introduce(newcomers: readonly Newcomer[]): Promise<void> {
    const [host] = this.alive;
    const meet = async (): Promise<void> => {
      for (const { server, busPort } of newcomers) {
        if (server === host) continue;
        await host?.client.call('CLUSTER', 'MEET', '127.0.0.1', server.port, busPort);
      }
    };
    await meet();
    const again = setInterval(() => void meet().catch(() => undefined), INTRODUCE_EVERY_MS);
    await this.whenAllServe().finally(() => {
      clearInterval(again);
    });
  }

  private get alive(): readonly RedisServer[] {
    return this.nodes.filter(({ hasEnded }) => !hasEnded);
  }

  private async whenAllServe(): Promise<void> {
    await waitUntil('every node of the cluster knows who serves every slot', async () => {
      const infos = await Promise.all(this.alive.map(({ client }) => client.cluster('INFO')));
      const wanted = [
        'cluster_state:ok',
        `cluster_slots_ok:${SLOTS}`,
        `cluster_known_nodes:${this.nodes.length}`,
      ];
      return infos.every((info) => wanted.every((line) => info.includes(`${line}\r`)));
    });
  }
}

export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  return RedisCluster.start(options);
}

/**
 * The replica hears no more of its master, who goes on without it: what is accepted from now on is lost in a failover.
 * Lasts until the replica is started anew.
 */
export async function cutReplication(master: RedisServer, replica: RedisServer): Promise<void> {
  // A master without a password refuses everyone who brings one.
  await replica.client.config('SET', 'masterauth', 'refused');
  await master.client.call('CLIENT', 'KILL', 'TYPE', 'replica');
  await waitUntil('the replica is cut off', async () => !(await isInStep(replica)));
}

interface Newcomer {
  readonly server: RedisServer;
  readonly busPort: number;
}

async function startNode(config: Readonly<Record<string, string>>): Promise<Newcomer> {
  const busPort = await freePort();
  const server = await RedisServer.start({
    config: {
      'cluster-enabled': 'yes',
      'cluster-port': String(busPort),
      'cluster-node-timeout': '2000',
      'cluster-announce-ip': '127.0.0.1',
      // One master without a successor yet does not stop the others.
      'cluster-require-full-coverage': 'no',
      // A replica that was cut off for long may take its master's place, too: what is lost then is what tests look at.
      'cluster-replica-validity-factor': '0',
      'repl-diskless-sync-delay': '0',
      ...config,
    },
  });
  return { server, busPort };
}

async function giveSlots(server: RedisServer, index: number): Promise<void> {
  const from = Math.floor((index * SLOTS) / MASTERS);
  const to = Math.floor(((index + 1) * SLOTS) / MASTERS) - 1;
  // Different epochs spare the nodes the time in which they would settle a tie.
  await server.client.cluster('SET-CONFIG-EPOCH', index + 1);
  await server.client.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
}

async function follow(replica: RedisServer, master: RedisServer | undefined): Promise<void> {
  const id = await master?.client.cluster('MYID');
  await replica.client.call('CLUSTER', 'REPLICATE', String(id));
  await waitUntil('the replica is in step', async () => isInStep(replica));
}

async function isInStep(replica: RedisServer): Promise<boolean> {
  const info = await replica.client.info('replication').catch(() => '');
  return info.includes('role:slave') && info.includes('master_link_status:up');
}

async function self(server: RedisServer): Promise<ClusterNode> {
  const nodes = parseNodes(String(await server.client.cluster('NODES')));
  const found = nodes.find((node) => nodeFlags(node).has('myself'));
  if (found === undefined) throw new Error('a node does not know itself');
  return found;
}
