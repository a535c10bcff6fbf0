import { randomUUID } from 'node:crypto';
import type { TestDatabase } from '@flux/testing';
import type { Cluster, Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import {
  appEnvironment,
  appOptions,
  newCredentials,
  type App,
  type AppServers,
} from '../../e2e/support/app-environment';
import { Operator } from '../../e2e/support/operator';
import { ShopBackend } from '../../e2e/support/shop-backend';
import { GateView } from './gate-view';
import { Seat } from './seat';

/** One server of each kind, or Redis Cluster and three Kafka brokers. */
export type Topology = 'single' | 'cluster';

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

/** From when on a replica may have missed what its master wrote, until everybody was led to it as the new master. */
export interface Failover {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Every process of Flux-Gate twice, the admin process once; each keeps its place. */
export interface Seats {
  readonly seats: Readonly<Record<App, readonly Seat[]>>;
  readonly operator: Operator;
  readonly shop: ShopBackend;
  readonly guestOrders: () => Promise<Seat>;
}

/** @param serversOf where the processes of an app find their servers, and more of their variables */
export async function seatsOf(
  serversOf: (app: App) => { readonly servers: AppServers; readonly env: Readonly<Record<string, string>> },
): Promise<Seats> {
  const credentials = newCredentials();
  const seatOf = async (app: App): Promise<Seat> => {
    const { servers, env } = serversOf(app);
    return new Seat(await appOptions(app, { ...appEnvironment(servers, credentials), ...env }));
  };
  const two = async (app: App): Promise<Seat[]> => [await seatOf(app), await seatOf(app)];
  const admin = await seatOf('admin');
  return {
    seats: {
      gateway: await two('gateway'),
      relay: await two('relay'),
      orders: await two('orders'),
      admin: [admin],
    },
    operator: new Operator(admin.baseUrl, credentials.operatorKey),
    shop: new ShopBackend(admin.baseUrl, credentials.serviceKey, SHOP_PATIENCE_MS),
    guestOrders: () => seatOf('orders'),
  };
}

export interface InstallationParts extends Seats {
  readonly database: TestDatabase;
  readonly topicPrefix: string;
}

/** One installation for one seed, whatever its servers are. The clients and the auditor go past every proxy. */
export abstract class Installation {
  readonly destructions: Destruction[] = [];
  readonly failovers: Failover[] = [];
  readonly database: TestDatabase;
  readonly topicPrefix: string;
  readonly seats: Readonly<Record<App, readonly Seat[]>>;
  readonly operator: Operator;
  readonly shop: ShopBackend;
  private readonly guestOrders: () => Promise<Seat>;

  protected constructor(parts: InstallationParts) {
    this.database = parts.database;
    this.topicPrefix = parts.topicPrefix;
    this.seats = parts.seats;
    this.operator = parts.operator;
    this.shop = parts.shop;
    this.guestOrders = parts.guestOrders;
  }

  /** To look at the gate's data, and to spoil them. */
  abstract get gateClient(): Redis | Cluster;

  protected abstract get kafkaBrokers(): string;

  /** Everything passes, everything runs, everybody is ready. @throws when that takes too long */
  abstract heal(): Promise<void>;

  abstract remove(): Promise<void>;

  get gatewayUrls(): readonly string[] {
    return this.seats.gateway.map(({ baseUrl }) => baseUrl);
  }

  get allSeats(): readonly Seat[] {
    return Object.values(this.seats).flat();
  }

  /** The gate as it lies in Redis. */
  get gate(): GateView {
    return new GateView(this.gateClient);
  }

  kafka(): Kafka {
    return new Kafka({
      brokers: this.kafkaBrokers.split(','),
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

  /** Everybody runs and is ready for the first time. @throws where that takes too long; nothing is left then */
  protected async begun(): Promise<this> {
    try {
      await this.seatAll();
      return this;
    } catch (error) {
      await this.remove();
      throw error;
    }
  }

  /** Everybody runs and is ready. */
  protected async seatAll(): Promise<void> {
    for (const seat of this.allSeats) {
      seat.thaw();
      seat.start();
    }
    await Promise.all(this.allSeats.map((seat) => seat.ready(READY_MS)));
  }

  protected async unseatAll(): Promise<void> {
    await Promise.all(this.allSeats.map((seat) => seat.kill()));
  }
}
