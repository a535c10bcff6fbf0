import { pauseUnlessAborted, Rounds } from '@flux/background';
import { LEDGER_EVENTS_TYPE, ORDER_STATUS_TYPE, type ItemRef } from '@flux/contracts';
import { BatchProducer, KafkaAdmin, partitionOf, type OutgoingMessage } from '@flux/kafka';
import { describeFailure, ExclusiveWork, OrderEventQueue, type EventSends } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { OrdersMetrics } from '../orders.metrics';

/** Advisory lock of the one publisher; beside the sweeper's. */
const PUBLISHER_LOCK = 7_305_003;

/**
 * While orders are confirmed late, order events are sent so seldom: whoever waits for a confirmation comes first, and an
 * event costs as much CPU as all else of its order. Ledger events, one message for a transaction, are sent all the same:
 * what Kafka lacks of them is lost with the database.
 */
const GIVE_WAY_MS = 10_000;

export interface OrderStatusOptions {
  /** With `FLUX_TOPIC_PREFIX`. */
  readonly topic: string;
  /** Of the ledger's events, with `FLUX_TOPIC_PREFIX`. */
  readonly ledgerTopic: string;
  readonly intervalMs: number;
  /** Whether orders are confirmed late. */
  readonly isLate: () => boolean;
}

/** Injection token of the options. */
export const ORDER_STATUS_OPTIONS = Symbol('flux.order-status');

/**
 * Brings what the ledger has committed to Kafka, in its order: one process at a time, one send after the other. An
 * event leaves PostgreSQL once all in-sync replicas have it, so a crash only repeats some.
 */
@Injectable()
export class OrderStatusPublisher implements OnModuleDestroy {
  private readonly rounds: Rounds;

  constructor(
    private readonly queue: OrderEventQueue,
    private readonly exclusive: ExclusiveWork,
    private readonly producer: BatchProducer,
    private readonly admin: KafkaAdmin,
    private readonly metrics: OrdersMetrics,
    @Inject(ORDER_STATUS_OPTIONS) private readonly options: OrderStatusOptions,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.rounds = new Rounds({
      pauseMs: options.intervalMs,
      work: async (signal) => {
        await this.exclusive.run(PUBLISHER_LOCK, (lost) =>
          this.publishUntil(AbortSignal.any([signal, lost])),
        );
      },
      onFailure: (error) => {
        this.metrics.publishingFailed();
        this.log.warn(
          { reason: describeFailure(error) },
          'events could not be published: they are sent again',
        );
      },
    });
  }

  /** Begins in the background; call it once the ledger is ready. */
  start(): void {
    this.rounds.start();
  }

  /** Ends after the send that is under way. */
  async onModuleDestroy(): Promise<void> {
    await this.rounds.stop();
  }

  private async publishUntil(signal: AbortSignal): Promise<void> {
    const { intervalMs, isLate } = this.options;
    const statuses = await this.target(this.options.topic, ORDER_STATUS_TYPE);
    const ledger = await this.target(this.options.ledgerTopic, LEDGER_EVENTS_TYPE);
    const sends: EventSends = {
      statuses: (events) => this.send(statuses, events),
      ledger: (events) => this.send(ledger, events),
    };
    let publishedAt = performance.now();
    while (!signal.aborted) {
      if (isLate() && performance.now() - publishedAt < GIVE_WAY_MS) {
        const { more } = await this.queue.publishLedger(sends.ledger);
        if (!more) await pauseUnlessAborted(intervalMs, signal);
        continue;
      }
      publishedAt = performance.now();
      const { events, more } = await this.queue.publish(sends);
      this.metrics.published(events);
      if (!more) await pauseUnlessAborted(intervalMs, signal);
    }
  }

  private async target(topic: string, type: string): Promise<Target> {
    const partitions = await this.admin.partitions(topic);
    if (partitions === 0) throw new Error(`the topic ${topic} is not there yet`);
    // The same headers for all, so that they are encoded once for a send.
    return { topic, partitions, headers: { type } };
  }

  /** @throws where a partition did not take all of its events */
  private async send({ topic, partitions, headers }: Target, events: readonly ItemRef[]): Promise<void> {
    const partitionOfProduct = new Map<string, number>();
    const byPartition = new Map<number, OutgoingMessage[]>();
    for (const event of events) {
      const { productId } = event;
      // Once for a product: the hash takes longer than the message.
      const partition = partitionOfProduct.get(productId) ?? partitionOf(productId, partitions);
      partitionOfProduct.set(productId, partition);
      const messages = byPartition.get(partition) ?? [];
      messages.push({ key: productId, value: JSON.stringify(event), headers });
      byPartition.set(partition, messages);
    }
    const sends = await Promise.all(
      [...byPartition].map(([partition, messages]) => this.producer.send({ topic, partition, messages })),
    );
    for (const sent of sends) if (sent.outcome === 'failed') throw new Error(sent.reason);
  }
}

interface Target {
  readonly topic: string;
  readonly partitions: number;
  readonly headers: OutgoingMessage['headers'];
}
