import {
  createDatabase,
  RedisCluster,
  startRedisCluster,
  topicPrefix,
  type RedisServer,
} from '@flux/testing';
import { itemKeys } from '@flux/gate';
import type { ItemRef } from '@flux/contracts';
import { Cluster } from 'ioredis';
import type { ClusterServers } from './cluster-servers';
import { Installation, seatsOf, type InstallationParts } from './installation';

interface ClusterParts extends InstallationParts {
  readonly servers: ClusterServers;
  readonly redisCluster: RedisCluster;
}

/**
 * Redis Cluster with a replica for each of three masters, three Kafka brokers, one PostgreSQL. Nodes tell the processes
 * of each other, so that no proxy stands between: what fails here is killed.
 */
export class ClusterWorld extends Installation {
  readonly servers: ClusterServers;
  private readonly redisCluster: RedisCluster;
  private readonly client: Cluster;
  private readonly killed = new Set<RedisServer>();

  private constructor(parts: ClusterParts) {
    super(parts);
    this.servers = parts.servers;
    this.redisCluster = parts.redisCluster;
    this.client = clusterClient(parts.redisCluster.url);
  }

  static async start(servers: ClusterServers): Promise<ClusterWorld> {
    const redisCluster = await startRedisCluster({ replicas: 1 });
    const database = await createDatabase({ server: servers.databaseUrl });
    const prefix = topicPrefix();
    const seats = await seatsOf(() => ({
      servers: {
        redisUrl: redisCluster.url,
        kafkaBrokers: servers.kafka.brokers,
        databaseUrl: database.config.DATABASE_URL,
        topicPrefix: prefix,
      },
      env: { FLUX_REDIS_MODE: 'cluster', FLUX_DURABILITY: 'replicated', FLUX_KAFKA_REPLICATION: '3' },
    }));
    const world = new ClusterWorld({ ...seats, servers, redisCluster, database, topicPrefix: prefix });
    return world.begun();
  }

  get gateClient(): Cluster {
    return this.client;
  }

  protected get kafkaBrokers(): string {
    return this.servers.kafka.brokers;
  }

  /** SIGKILLs the master that has an item. @returns the replica that has taken its place */
  async killMasterOf(item: ItemRef): Promise<RedisServer> {
    const master = await this.redisCluster.masterOf(itemKeys(item).item);
    this.killed.add(master);
    const fromMs = Date.now();
    const promoted = await this.redisCluster.failOver(master);
    this.failovers.push({ fromMs, toMs: Date.now() });
    return promoted;
  }

  /** Nodes that were killed follow those that have taken their place. */
  async bringNodesBack(): Promise<void> {
    for (const node of this.killed) {
      await this.redisCluster.comeBack(node);
      this.killed.delete(node);
    }
  }

  async heal(): Promise<void> {
    await this.bringNodesBack();
    await this.servers.start();
    await this.seatAll();
  }

  async remove(): Promise<void> {
    await this.unseatAll();
    this.client.disconnect();
    await this.redisCluster.remove();
    await this.database.drop();
  }
}

function clusterClient(urls: string): Cluster {
  const nodes = urls.split(',').map((url) => {
    const { hostname: host, port } = new URL(url);
    return { host, port: Number(port) };
  });
  const client = new Cluster(nodes, { redisOptions: { maxRetriesPerRequest: 1 } });
  client.on('error', () => {
    // The command that was sent rejects.
  });
  return client;
}
