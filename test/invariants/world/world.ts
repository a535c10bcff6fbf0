import { randomUUID } from 'node:crypto';
import { createDatabase, TcpProxy, type RedisServer, topicPrefix, type TestDatabase } from '@flux/testing';
import { Kafka, logLevel } from 'kafkajs';
import { appEnvironment, appOptions, newCredentials, type App } from '../../e2e/support/app-environment';
import { Operator } from '../../e2e/support/operator';
import { ShopBackend } from '../../e2e/support/shop-backend';
import { GateView } from './gate-view';
import type { PrivateServers } from './private-servers';
import { RedisServers, type Durability, type RedisUser, type Replica } from './redis-servers';
import { Seat } from './seat';
import { SmallDisk } from './small-disk';

export type DatabaseUser = 'orders' | 'admin';

/** What faults change in a Redis that runs. */
const HEALTHY = [
  ['maxmemory', '0'],
  ['busy-reply-threshold', '5000'],
] as const;

/** As long as the shoppers' own. */
const SHOP_PATIENCE_MS = 8_000;

const READY_MS = 180_000;

/** Data of Redis that a fault has taken away, with what had not been relayed: that may be lost. */
export interface Destruction {
  readonly what: string;
  /** Nothing that was accepted later is lost by it. */
  readonly atMs: number;
  /** Orders in the outboxes when it struck. */
  readonly unsettled: ReadonlySet<string>;
}

interface WorldParts {
  readonly servers: PrivateServers;
  readonly redisServers: RedisServers;
  readonly disk: SmallDisk | undefined;
  readonly database: TestDatabase;
  readonly topicPrefix: string;
  readonly redisLinks: Readonly<Record<RedisUser, TcpProxy>>;
  readonly databaseLinks: Readonly<Record<DatabaseUser, TcpProxy>>;
  readonly seats: Readonly<Record<App, readonly Seat[]>>;
  readonly operator: Operator;
  readonly shop: ShopBackend;
  readonly guestOrders: () => Promise<Seat>;
}

/**
 * One installation for one seed: every process of Flux-Gate twice (the admin process once), and a proxy between each
 * kind of process and each server it uses. The clients and the auditor go past the proxies.
 */
export class World {
  readonly destructions: Destruction[] = [];
  readonly servers: PrivateServers;
  /** Where the data of Redis lie, where this user may mount one. */
  readonly disk: SmallDisk | undefined;
  readonly database: TestDatabase;
  readonly topicPrefix: string;
  readonly redisLinks: Readonly<Record<RedisUser, TcpProxy>>;
  readonly databaseLinks: Readonly<Record<DatabaseUser, TcpProxy>>;
  readonly seats: Readonly<Record<App, readonly Seat[]>>;
  readonly operator: Operator;
  readonly shop: ShopBackend;
  private readonly redisServers: RedisServers;
  private readonly guestOrders: () => Promise<Seat>;

  private constructor(parts: WorldParts) {
    this.servers = parts.servers;
    this.redisServers = parts.redisServers;
    this.disk = parts.disk;
    this.database = parts.database;
    this.topicPrefix = parts.topicPrefix;
    this.redisLinks = parts.redisLinks;
    this.databaseLinks = parts.databaseLinks;
    this.seats = parts.seats;
    this.operator = parts.operator;
    this.shop = parts.shop;
    this.guestOrders = parts.guestOrders;
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

    const credentials = newCredentials();
    const prefix = topicPrefix();
    const seatOf = async (app: App): Promise<Seat> => {
      const kafkaUser = app === 'gateway' ? 'admin' : app;
      const databaseLink = app === 'orders' ? databaseLinks.orders : databaseLinks.admin;
      const env = appEnvironment(
        {
          redisUrl: `redis://127.0.0.1:${redisLinks[app].port}`,
          kafkaBrokers: `127.0.0.1:${servers.kafkaLinks[kafkaUser].port}`,
          databaseUrl: throughPort(database.config.DATABASE_URL, databaseLink.port),
          topicPrefix: prefix,
        },
        credentials,
      );
      return new Seat(
        await appOptions(app, { ...env, FLUX_DURABILITY: durability, FLUX_KAFKA_REPLICATION: '1' }),
      );
    };
    const two = async (app: App): Promise<Seat[]> => [await seatOf(app), await seatOf(app)];
    const admin = await seatOf('admin');
    const seats = {
      gateway: await two('gateway'),
      relay: await two('relay'),
      orders: await two('orders'),
      admin: [admin],
    };
    const world = new World({
      servers,
      redisServers,
      disk,
      database,
      topicPrefix: prefix,
      redisLinks,
      databaseLinks,
      seats,
      operator: new Operator(admin.baseUrl, credentials.operatorKey),
      shop: new ShopBackend(admin.baseUrl, credentials.serviceKey, SHOP_PATIENCE_MS),
      guestOrders: () => seatOf('orders'),
    });
    try {
      world.startAll();
      await world.ready();
    } catch (error) {
      await world.remove();
      throw error;
    }
    return world;
  }

  /** The one that processes are led to. */
  get redis(): RedisServer {
    return this.redisServers.master;
  }

  /** Who follows it; undefined where the durability needs nobody. */
  get replica(): Replica | undefined {
    return this.redisServers.replica;
  }

  /** The replica becomes master, the old master is killed, and comes back as its replica; see RedisServers. */
  async failOver(gatewaysStayMs: number): Promise<void> {
    await this.redisServers.failOver({ links: this.redisLinks, gatewaysStayMs });
  }

  get gatewayUrls(): readonly string[] {
    return this.seats.gateway.map(({ baseUrl }) => baseUrl);
  }

  get allSeats(): readonly Seat[] {
    return Object.values(this.seats).flat();
  }

  get links(): readonly TcpProxy[] {
    return [
      ...Object.values(this.redisLinks),
      ...Object.values(this.databaseLinks),
      ...Object.values(this.servers.kafkaLinks),
    ];
  }

  /** The gate as it lies in Redis. */
  get gate(): GateView {
    return new GateView(this.redis.client);
  }

  kafka(): Kafka {
    return new Kafka({
      brokers: [this.servers.kafkaBrokers],
      clientId: `invariants-${randomUUID()}`,
      logLevel: logLevel.NOTHING,
    });
  }

  /** One more orders process, for as long as the caller keeps it. */
  async anotherOrders(): Promise<Seat> {
    const seat = await this.guestOrders();
    seat.start();
    return seat;
  }

  startAll(): void {
    for (const seat of this.allSeats) seat.start();
  }

  async ready(): Promise<void> {
    await Promise.all(this.allSeats.map((seat) => seat.ready(READY_MS)));
  }

  /** Everything passes, everything runs, everybody is ready. @throws when that takes too long */
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
    for (const seat of this.allSeats) seat.thaw();
    this.startAll();
    await this.ready();
  }

  async remove(): Promise<void> {
    await Promise.all(this.allSeats.map((seat) => seat.kill()));
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
