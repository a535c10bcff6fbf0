import type { LedgerEvent, OrderStatusEvent } from '@flux/contracts';
import {
  BatchTransaction,
  Cancellations,
  Holds,
  LatePayments,
  LedgerReader,
  OrderEventQueue,
  Payments,
  Suspensions,
  TellGate,
} from '@flux/ledger';
import { createLog, Metrics } from '@flux/telemetry';
import {
  connectGate,
  createDatabase,
  gateConfig,
  startRedis,
  type GateClients,
  type RedisServer,
  type TestDatabase,
} from '@flux/testing';
import type { DataSource } from 'typeorm';
import { ConfirmationDelay } from '../../apps/orders/src/confirmation-delay';
import { OrdersAcceptedHandler } from '../../apps/orders/src/orders-accepted.handler';
import { OrdersMetrics } from '../../apps/orders/src/orders.metrics';
import { SettleService } from '../../apps/orders/src/settle.service';

/** What processes are made of, on a connection to the gate of their own. */
export class Processes {
  readonly tellGate: TellGate;
  readonly payments: Payments;
  readonly cancellations: Cancellations;
  readonly holds: Holds;
  readonly reader: LedgerReader;
  readonly batches: BatchTransaction;
  readonly settles: SettleService;
  readonly handler: OrdersAcceptedHandler;
  readonly events: OrderEventQueue;

  constructor(
    readonly clients: GateClients,
    readonly dataSource: DataSource,
  ) {
    const { gate, outboxes } = clients;
    const log = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'orders');
    const metrics = new OrdersMetrics(new Metrics('orders'));
    const suspensions = new Suspensions(dataSource);
    this.tellGate = new TellGate(dataSource, gate);
    this.payments = new Payments(
      dataSource,
      this.tellGate,
      new LatePayments(dataSource, gate, this.tellGate),
    );
    this.cancellations = new Cancellations(dataSource, this.tellGate);
    this.holds = new Holds(dataSource);
    this.reader = new LedgerReader(dataSource);
    this.batches = new BatchTransaction(dataSource);
    this.settles = new SettleService(gate, outboxes, this.reader, this.tellGate, suspensions, metrics, log);
    this.handler = new OrdersAcceptedHandler(
      this.batches,
      this.settles,
      metrics,
      new ConfirmationDelay(),
      log,
    );
    this.events = new OrderEventQueue(dataSource);
  }
}

/** Redis and PostgreSQL, and the processes that work on them. Many sales, one after the other. */
export class RealServers {
  processes: Processes;
  /** All that was published, in its order. */
  readonly published: OrderStatusEvent[] = [];
  readonly ledgerEvents: LedgerEvent[] = [];
  private isUp = true;

  private constructor(
    private readonly redis: RedisServer,
    private readonly database: TestDatabase,
    clients: GateClients,
  ) {
    this.processes = new Processes(clients, database.dataSource);
  }

  static async start(): Promise<RealServers> {
    const redis = await startRedis();
    return new RealServers(redis, await createDatabase(), await connectGate(gateConfig(redis.url)));
  }

  /** kill -9 of Redis; the processes go on. */
  async killGate(): Promise<void> {
    this.isUp = false;
    await this.redis.kill();
  }

  get gateIsUp(): boolean {
    return this.isUp;
  }

  /** Redis with what it had acknowledged, and new processes with new connections to it. */
  async restart(): Promise<void> {
    this.processes.clients.connection.close();
    await this.redis.kill();
    await this.redis.restart();
    const clients = await connectGate(gateConfig(this.redis.url));
    this.processes = new Processes(clients, this.database.dataSource);
    this.isUp = true;
  }

  async publish(): Promise<void> {
    let more = true;
    while (more) {
      const round = await this.processes.events.publish({
        statuses: (events) => {
          this.published.push(...events);
          return Promise.resolve();
        },
        ledger: (events) => {
          this.ledgerEvents.push(...events);
          return Promise.resolve();
        },
      });
      more = round.more;
    }
  }

  async stop(): Promise<void> {
    this.processes.clients.connection.close();
    await this.redis.remove();
    await this.database.drop();
  }
}
