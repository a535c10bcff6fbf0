import { createDatabase, TcpProxy, topicPrefix, type RedisServer } from '@flux/testing';
import type { Redis } from 'ioredis';
import { Installation, seatsOf, type InstallationParts } from './installation';
import type { PrivateServers } from './private-servers';
import { RedisServers, type Durability, type RedisUser, type Replica } from './redis-servers';
import { SmallDisk } from './small-disk';

export type DatabaseUser = 'orders' | 'admin';

/** What faults change in a Redis that runs. */
const HEALTHY = [
  ['maxmemory', '0'],
  ['busy-reply-threshold', '5000'],
] as const;

interface WorldParts extends InstallationParts {
  readonly servers: PrivateServers;
  readonly redisServers: RedisServers;
  readonly disk: SmallDisk | undefined;
  readonly redisLinks: Readonly<Record<RedisUser, TcpProxy>>;
  readonly databaseLinks: Readonly<Record<DatabaseUser, TcpProxy>>;
}

/** One server of each kind, and a proxy between each kind of process and each server it uses. */
export class World extends Installation {
  readonly servers: PrivateServers;
  /** Where the data of Redis lie, where this user may mount one. */
  readonly disk: SmallDisk | undefined;
  readonly redisLinks: Readonly<Record<RedisUser, TcpProxy>>;
  readonly databaseLinks: Readonly<Record<DatabaseUser, TcpProxy>>;
  private readonly redisServers: RedisServers;

  private constructor(parts: WorldParts) {
    super(parts);
    this.servers = parts.servers;
    this.redisServers = parts.redisServers;
    this.disk = parts.disk;
    this.redisLinks = parts.redisLinks;
    this.databaseLinks = parts.databaseLinks;
  }

  static async start(servers: PrivateServers, durability: Durability): Promise<World> {
    const disk = await SmallDisk.mount();
    const redisServers = await RedisServers.start(durability, disk?.folder);
    const { port: redisPort } = redisServers.master;
    const database = await createDatabase({ server: servers.databaseUrl });
    const proxyTo = (port: number): Promise<TcpProxy> => TcpProxy.start({ host: '127.0.0.1', port });
    const redisLinks = {
      gateway: await proxyTo(redisPort),
      relay: await proxyTo(redisPort),
      orders: await proxyTo(redisPort),
      admin: await proxyTo(redisPort),
    };
    const databaseLinks = {
      orders: await proxyTo(servers.databasePort),
      admin: await proxyTo(servers.databasePort),
    };

    const prefix = topicPrefix();
    const seats = await seatsOf((app) => {
      const kafkaUser = app === 'gateway' ? 'admin' : app;
      const databaseLink = app === 'orders' ? databaseLinks.orders : databaseLinks.admin;
      return {
        servers: {
          redisUrl: `redis://127.0.0.1:${redisLinks[app].port}`,
          kafkaBrokers: `127.0.0.1:${servers.kafkaLinks[kafkaUser].port}`,
          databaseUrl: throughPort(database.config.DATABASE_URL, databaseLink.port),
          topicPrefix: prefix,
        },
        env: { FLUX_DURABILITY: durability, FLUX_KAFKA_REPLICATION: '1' },
      };
    });
    const world = new World({
      ...{ ...seats, servers, redisServers, disk, database },
      ...{ topicPrefix: prefix, redisLinks, databaseLinks },
    });
    return world.begun();
  }

  /** The one that processes are led to. */
  get redis(): RedisServer {
    return this.redisServers.master;
  }

  get gateClient(): Redis {
    return this.redis.client;
  }

  protected get kafkaBrokers(): string {
    return this.servers.kafkaBrokers;
  }

  /** Who follows it; undefined where the durability needs nobody. */
  get replica(): Replica | undefined {
    return this.redisServers.replica;
  }

  /** The replica becomes master, the old master is killed, and comes back as its replica; see RedisServers. */
  async failOver(gatewaysStayMs: number): Promise<void> {
    await this.redisServers.failOver({ links: this.redisLinks, gatewaysStayMs });
  }

  get links(): readonly TcpProxy[] {
    return [
      ...Object.values(this.redisLinks),
      ...Object.values(this.databaseLinks),
      ...Object.values(this.servers.kafkaLinks),
    ];
  }

  async heal(): Promise<void> {
    for (const link of this.links) {
      link.slowDown();
      link.set('pass');
    }
    await this.disk?.free();
    this.redis.thaw();
    if (this.redis.hasEnded) await this.redis.restart();
    this.replica?.link.set('pass');
    await this.redis.client.client('UNPAUSE');
    for (const [setting, value] of HEALTHY) await this.redis.client.config('SET', setting, value);
    for (const server of ['kafka', 'postgres'] as const) this.servers.thaw(server);
    await this.servers.start();
    await this.seatAll();
  }

  async remove(): Promise<void> {
    await this.unseatAll();
    await this.redisServers.remove();
    await this.disk?.unmount();
    await Promise.all(
      [...Object.values(this.redisLinks), ...Object.values(this.databaseLinks)].map((link) => link.stop()),
    );
    await this.database.drop();
  }
}

function throughPort(url: string, port: number): string {
  const through = new URL(url);
  through.port = String(port);
  return through.href;
}
