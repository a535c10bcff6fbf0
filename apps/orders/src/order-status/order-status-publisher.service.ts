import { pauseUnlessAborted, Rounds } from '@flux/background';
import { ORDER_STATUS_TYPE, type OrderStatusEvent } from '@flux/contracts';
import { BatchProducer, KafkaAdmin, partitionOf, type OutgoingMessage } from '@flux/kafka';
import { describeFailure, ExclusiveWork, OrderEventQueue } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { OrdersMetrics } from '../orders.metrics';

/** Advisory lock of the one publisher; beside the sweeper's. */
const PUBLISHER_LOCK = 7_305_003;

/**
 * While orders are confirmed late, events are sent so seldom: whoever waits for a confirmation comes first, and an event
 * costs as much CPU as all else of its order.
 */
const GIVE_WAY_MS = 10_000;

export interface OrderStatusOptions {
  /** With `FLUX_TOPIC_PREFIX`. */
  readonly topic: string;
  readonly intervalMs: number;
  /** Whether orders are confirmed late. */
  readonly isLate: () => boolean;
}

/** Injection token of the options. */
export const ORDER_STATUS_OPTIONS = Symbol('flux.order-status');

/**
 * Brings the ledger's events to Kafka, in their order: one process at a time, one send after the other. An event
 * leaves PostgreSQL once all in-sync replicas have it, so a crash only repeats some.
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
    const partitions = await this.admin.partitions(this.options.topic);
    if (partitions === 0) throw new Error('the topic of order events is not there yet');
    let publishedAt = performance.now();
    while (!signal.aborted) {
      if (this.options.isLate() && performance.now() - publishedAt < GIVE_WAY_MS) {
        await pauseUnlessAborted(this.options.intervalMs, signal);
        continue;
      }
      publishedAt = performance.now();
      const { events, more } = await this.queue.publish((batch) => this.send(batch, partitions));
      this.metrics.published(events);
      if (!more) await pauseUnlessAborted(this.options.intervalMs, signal);
    }
  }

  /** @throws where a partition did not take all of its events */
  private async send(events: readonly OrderStatusEvent[], partitions: number): Promise<void> {
    const partitionOfProduct = new Map<string, number>();
    const byPartition = new Map<number, OutgoingMessage[]>();
    for (const event of events) {
      const { productId } = event;
      // Once for a product: the hash takes longer than the message.
      const partition = partitionOfProduct.get(productId) ?? partitionOf(productId, partitions);
      partitionOfProduct.set(productId, partition);
      const messages = byPartition.get(partition) ?? [];
      messages.push(messageOf(event));
      byPartition.set(partition, messages);
    }
    const sends = await Promise.all(
      [...byPartition].map(([partition, messages]) =>
        this.producer.send({ topic: this.options.topic, partition, messages }),
      ),
    );
    for (const sent of sends) if (sent.outcome === 'failed') throw new Error(sent.reason);
  }
}

/** The same for all, so that they are encoded once for a send. */
const HEADERS = { type: ORDER_STATUS_TYPE };

function messageOf(event: OrderStatusEvent): OutgoingMessage {
  return { key: event.productId, value: JSON.stringify(event), headers: HEADERS };
}
