import { auditSale, type AuditReport, type HistoryAnswer } from '@flux/checker';
import {
  ERRORS,
  LEDGER_EVENTS_TOPIC,
  ORDER_STATUS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
  type ItemRef,
} from '@flux/contracts';
import type { GateClient } from '@flux/gate';
import { prefixed, type KafkaMessage, type KafkaSettings } from '@flux/kafka';
import { Parking } from '@flux/ledger';
import { createLog, Metrics } from '@flux/telemetry';
import { createTopic, insertSale, opening, purchase, waitUntil } from '@flux/testing';
import { purchaseAnswer } from '../../apps/gateway/src/orders/purchase-answer';
import { LostSendsService } from '../../apps/orders/src/lost-sends.service';
import { OrdersMetrics } from '../../apps/orders/src/orders.metrics';
import { ParkingService } from '../../apps/orders/src/parking.service';
import { RewindCheckService } from '../../apps/orders/src/rewind-check.service';
import { PartitionLane } from '../../apps/relay/src/partition-lane';
import { RelayMetrics } from '../../apps/relay/src/relay.metrics';
import { Processes } from '../model/real-servers';
import { GroupOffsets } from './group-offsets';
import { KafkaLog } from './kafka-log';
import type { SaleServers } from './sale-servers';

export interface BugSaleOptions {
  readonly stock: number;
  /** What the gate believes; the ledger's stock unless told otherwise. */
  readonly gateStock?: number;
  readonly limit?: number;
}

export interface Buy {
  readonly shopper: string;
  readonly key?: string;
  readonly quantity?: number;
  /** The gateway that is asked; the first one unless told otherwise. */
  readonly gate?: GateClient;
  /** The gateway died, or the connection broke, before the answer came. */
  readonly answerLost?: boolean;
}

const LOG = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'orders');

/**
 * One item on sale, with everything of the processes that a scenario needs: each stage works when the test says so, on
 * real servers and by the product's own code, and whoever buys writes down what was answered.
 */
export class BugSale {
  readonly history: HistoryAnswer[] = [];
  readonly processes: Processes;
  readonly parking: ParkingService;
  private readonly rewinds: RewindCheckService;
  private readonly lostSends: LostSendsService;
  private readonly offsets: GroupOffsets;
  private attempts = 0;
  private clockMs = Date.now();
  /** Messages that the orders process has done with. */
  private consumed = 0;

  private constructor(
    readonly servers: SaleServers,
    readonly item: ItemRef,
    private readonly settings: KafkaSettings,
    readonly log: KafkaLog,
  ) {
    const { clients, database, kafka, kafkaAdmin } = servers;
    const groupId = prefixed(settings, ORDERS_CONSUMER_GROUP);
    this.offsets = new GroupOffsets({ kafka, groupId, topic: log.topic });
    const metrics = new OrdersMetrics(new Metrics('orders'));
    this.processes = new Processes(clients, database.dataSource);
    const { settles, reader } = this.processes;
    this.parking = new ParkingService(new Parking(database.dataSource), settles, metrics, LOG);
    this.rewinds = new RewindCheckService(clients.gate, clients.outboxes, reader, settles);
    this.lostSends = new LostSendsService(clients.outboxes, reader, kafkaAdmin, log, metrics, LOG, settings);
  }

  static async open(
    servers: SaleServers,
    { stock, gateStock = stock, limit = 10 }: BugSaleOptions,
  ): Promise<BugSale> {
    const { dataSource } = servers.database;
    // The loops work on all sales: what a bug left behind must not be taken for this one's.
    for (const table of ['refunds', 'payments', 'order_events', 'parked_messages', 'orders']) {
      await dataSource.query(`DELETE FROM ${table}`);
    }
    const settings = servers.nextSettings();
    for (const topic of [ORDERS_ACCEPTED_TOPIC, ORDER_STATUS_TOPIC, LEDGER_EVENTS_TOPIC])
      await createTopic(prefixed(settings, topic));
    const [item] = await insertSale(dataSource, [{ stock, perShopperLimit: limit }]);
    if (item === undefined) throw new Error('no item was made');
    const opened = await servers.clients.gate.open(
      opening(item, { available: gateStock, perShopperLimit: limit }),
    );
    if (opened.outcome !== 'opened') throw new Error(opened.outcome);
    await dataSource.query('UPDATE items SET gate_opened_at = now() WHERE sale_id = $1', [item.saleId]);
    const log = new KafkaLog(servers.kafka, prefixed(settings, ORDERS_ACCEPTED_TOPIC));
    return new BugSale(servers, item, settings, log);
  }

  /** One attempt to buy, as a gateway answers it. */
  async buy({ shopper, key, quantity = 1, gate, answerLost = false }: Buy): Promise<HistoryAnswer> {
    this.attempts += 1;
    const idempotencyKey = key ?? `key-number-${String(this.attempts).padStart(8, '0')}`;
    const sentAt = this.tick();
    const asked = purchase(this.item, { shopperId: shopper, key: idempotencyKey, quantity });
    const outcome = await (gate ?? this.servers.clients.gate).reserve(asked);
    if (outcome.outcome === 'moved') throw new Error('the item is on sale elsewhere');
    if (outcome.outcome === 'waitingRoom') throw new Error('the item has no waiting room');
    const { productId } = this.item;
    const attempt = {
      method: 'POST',
      productId,
      shopperId: shopper,
      idempotencyKey,
      quantity,
      sentAt,
    } as const;
    const at = this.tick();
    const answer = answerLost
      ? { at, ...attempt, outcome: 'unknown' as const }
      : { at, ...attempt, ...answerOf(purchaseAnswer(outcome)) };
    this.history.push(answer);
    return answer;
  }

  /** The clients' clock: no two moments are the same. */
  private tick(): string {
    this.clockMs += 1;
    return new Date(this.clockMs).toISOString();
  }

  /** That many shoppers, one unit each, one after the other. */
  async crowd(shoppers: number): Promise<void> {
    for (let index = 1; index <= shoppers; index += 1) await this.buy({ shopper: `shopper-${index}` });
  }

  /** A relay brings what is in the outbox to Kafka, stores how far it came, and ends. */
  async relay(): Promise<void> {
    const { outboxes } = this.servers.clients;
    const last = (await outboxes.read(this.item, { after: '0-0', count: 1_000 })).at(-1)?.id;
    if (last === undefined) return;
    const lane = new PartitionLane({
      outboxes,
      owner: `relay-${this.item.saleId}`,
      lingerMs: 5,
      producer: this.log,
      topic: this.log.topic,
      partition: 0,
      metrics: new RelayMetrics(new Metrics('relay')),
      log: LOG,
    });
    lane.assign([this.item]);
    await waitUntil('the relay has sent the last entry', () => this.log.hasSent(last));
    await lane.stop();
  }

  /** The orders process handles what is new in Kafka, a message at a time, and commits the offset after each. */
  async consume(): Promise<void> {
    const before = this.consumed;
    for (const message of this.log.messages.slice(before)) {
      if (!(await this.handle(message))) break;
      this.consumed += 1;
    }
    if (this.consumed > before) await this.commit();
  }

  /** @returns false where the partition has to wait */
  private async handle(message: KafkaMessage): Promise<boolean> {
    const { topic, partition } = message;
    const answer = await this.processes.handler.handle({ topic, partition, messages: [message] });
    switch (answer.next) {
      case 'done':
        return true;
      case 'retry':
        return false;
      case 'park':
        return this.parking.park(message, answer.reason).then(
          () => true,
          () => false,
        );
    }
  }

  /** Commits the offset and does nothing else: what a process leaves that commits first and dies then. */
  async commitOnly(): Promise<void> {
    this.consumed = this.log.messages.length;
    await this.commit();
  }

  /** The next message is handed to the orders process once more, as after a crash. */
  redeliver(): void {
    this.consumed = 0;
  }

  /** What the sweeper does in the rounds that it needs. */
  async sweep(): Promise<void> {
    await this.rewinds.check(this.item);
    await this.processes.settles.catchUp(this.item);
    for (let look = 0; look < 2; look += 1) await this.lostSends.look(this.item, 0);
  }

  async publish(): Promise<void> {
    const send = (topic: string) => (events: readonly { readonly productId: string }[]) =>
      this.log.publish(prefixed(this.settings, topic), events);
    const sends = { statuses: send(ORDER_STATUS_TOPIC), ledger: send(LEDGER_EVENTS_TOPIC) };
    let more = true;
    while (more) more = (await this.processes.events.publish(sends)).more;
  }

  /** Holds of confirmed orders run out now; what the gate is told is told once. */
  async expireAll(): Promise<void> {
    const { dataSource, holds, tellGate } = this.processes;
    await dataSource.query(
      `UPDATE orders SET hold_until = now() - interval '1 second' WHERE state = 'confirmed'`,
    );
    const { items } = await holds.expireDue(100);
    for (const { item, changes } of items) await tellGate.tellChanges(item, changes);
  }

  /** Whoever told the gate died before that was noted. */
  async forgetTold(): Promise<void> {
    await this.processes.dataSource.query(
      `UPDATE orders SET gate_epoch = 1, gate_units = quantity WHERE state IN ('cancelled', 'expired')`,
    );
  }

  async pay(orderId: string, paymentId = `pay-${orderId.slice(-8)}`): Promise<string> {
    const outcome = await this.processes.payments.pay({
      paymentId,
      orderId,
      amountMinor: 1_999,
      currency: 'EUR',
    });
    return outcome.outcome;
  }

  /** Everybody works until nothing is left to do, or no more comes of it. */
  async rest(rounds = 3): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await this.relay();
      await this.consume();
      await this.sweep();
      await this.consume();
      await this.processes.tellGate.tellDue(100, 0);
      await this.processes.payments.completeUnfinished(100);
      if (await this.isQuiet()) break;
    }
    await this.publish();
  }

  private async isQuiet(): Promise<boolean> {
    const waiting = await this.servers.clients.outboxes.length(this.item);
    return waiting === 0 && this.consumed === this.log.messages.length;
  }

  /** The checker's verdict, with the clients' own record. */
  async audit(): Promise<AuditReport> {
    const { redis, database, kafka } = this.servers;
    const { saleId } = this.item;
    const end = { complete: true, saleId, attempts: this.history.length };
    return auditSale(
      {
        redis: redis.client,
        kafka,
        topic: this.log.topic,
        statusTopic: prefixed(this.settings, ORDER_STATUS_TOPIC),
        ledgerTopic: prefixed(this.settings, LEDGER_EVENTS_TOPIC),
        consumerGroup: prefixed(this.settings, ORDERS_CONSUMER_GROUP),
        database: database.dataSource,
      },
      { saleId, history: [...this.history, end].map((line) => JSON.stringify(line)), waitForRestMs: 1_000 },
    );
  }

  async close(): Promise<void> {
    await this.offsets.close();
    await this.log.disconnect();
  }

  private async commit(): Promise<void> {
    await this.offsets.commit(this.consumed);
  }
}

function answerOf(answer: ReturnType<typeof purchaseAnswer>) {
  if (answer.kind === 'refused') {
    const { code } = answer.problem;
    return { status: ERRORS[code].status, body: JSON.stringify({ code }) };
  }
  const { replayed, location, body } = answer;
  return { status: 202, replayed, location, body };
}

/** The order that a 202 names. */
export function orderIdOf({ body = '' }: HistoryAnswer): string {
  return (JSON.parse(body) as { readonly orderId: string }).orderId;
}
