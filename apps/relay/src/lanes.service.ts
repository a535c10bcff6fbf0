import { pauseUnlessAborted } from '@flux/background';
import { ORDERS_ACCEPTED_TOPIC, type ItemRef } from '@flux/contracts';
import { checkRedisSettings, Outboxes, RedisConnection } from '@flux/gate';
import { BatchProducer, ensureTopics, KafkaAdmin, partitionOf, prefixed } from '@flux/kafka';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Kafka } from 'kafkajs';
import { randomUUID } from 'node:crypto';
import { PartitionLane } from './partition-lane';
import { RelayMetrics, type Backlog } from './relay.metrics';
import { RELAY_OPTIONS, type RelayOptions } from './relay.options';

/** How often the list of unfinished outboxes is read: a new item is relayed within this. */
const DISCOVER_MS = 1_000;
/** Outboxes whose length and age a scrape asks for. */
const MAX_WATCHED = 200;

/** Finds the unfinished outboxes and hands each to the lane of its partition. */
@Injectable()
export class LanesService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly owner = `relay-${randomUUID()}`;
  private readonly stopping = new AbortController();
  private lanes: readonly PartitionLane[] = [];
  private running: Promise<void> = Promise.resolve();
  private stopListening: () => void = () => undefined;

  constructor(
    private readonly outboxes: Outboxes,
    private readonly connection: RedisConnection,
    private readonly kafka: Kafka,
    private readonly producer: BatchProducer,
    private readonly admin: KafkaAdmin,
    private readonly metrics: RelayMetrics,
    @Inject(RELAY_OPTIONS) private readonly options: RelayOptions,
  ) {}

  onApplicationBootstrap(): void {
    const { config, health, onFatal } = this.options;
    const topic = prefixed(config, ORDERS_ACCEPTED_TOPIC);
    health.register('redis', () => this.connection.isReady());
    health.register('kafka', () => this.admin.isReachable(topic));
    health.register('lanes', () => this.lanes.length > 0);
    this.metrics.watch({ leases: () => this.leased().length, backlog: () => this.backlog() });
    this.running = this.run().catch((error: unknown) => {
      if (!this.stopping.signal.aborted) onFatal(error);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.stopListening();
    await this.running;
    await Promise.all(this.lanes.map((lane) => lane.stop()));
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { config, log } = this.options;
    const [partitions] = await Promise.all([
      this.partitions(signal),
      checkRedisSettings(this.connection, config, signal),
    ]);
    this.lanes = Array.from({ length: partitions }, (_, partition) => this.createLane(partition));
    this.stopListening = this.connection.onChange(({ state }) => {
      if (state === 'up') for (const lane of this.lanes) lane.distrust();
    });
    log.info({ partitions, owner: this.owner }, 'relays');
    while (!signal.aborted) {
      await this.discover();
      await pauseUnlessAborted(DISCOVER_MS, signal);
    }
  }

  private async partitions(signal: AbortSignal): Promise<number> {
    const { config, log } = this.options;
    const topics = await ensureTopics({
      kafka: this.kafka,
      settings: config,
      topics: [ORDERS_ACCEPTED_TOPIC],
      signal,
      log: (level, message, fields) => {
        log[level](fields ?? {}, message);
      },
    });
    return topics.get(ORDERS_ACCEPTED_TOPIC) ?? config.FLUX_KAFKA_PARTITIONS;
  }

  private createLane(partition: number): PartitionLane {
    const { config, log } = this.options;
    return new PartitionLane({
      outboxes: this.outboxes,
      producer: this.producer,
      metrics: this.metrics,
      owner: this.owner,
      lingerMs: config.FLUX_RELAY_LINGER_MS,
      topic: prefixed(config, ORDERS_ACCEPTED_TOPIC),
      partition,
      log,
    });
  }

  private async discover(): Promise<void> {
    try {
      const items = await this.outboxes.list();
      const byLane = this.lanes.map((): ItemRef[] => []);
      for (const item of items) byLane[partitionOf(item.productId, this.lanes.length)]?.push(item);
      for (const [partition, lane] of this.lanes.entries()) lane.assign(byLane[partition] ?? []);
    } catch (error) {
      // The lanes go on with the items they know.
      this.metrics.failed('redis');
      this.options.log.debug({ err: error }, 'the list of outboxes could not be read');
    }
  }

  private leased(): readonly ItemRef[] {
    return this.lanes.flatMap((lane) => lane.leased());
  }

  private async backlog(): Promise<Backlog> {
    const items = this.leased().slice(0, MAX_WATCHED);
    const states = await Promise.all(
      items.map(async (item) => {
        const [entries, oldest] = await Promise.all([
          this.outboxes.length(item),
          this.outboxes.oldestAcceptedAtMs(item),
        ]);
        return { entries, ageMs: oldest === undefined ? 0 : Math.max(0, Date.now() - oldest) };
      }),
    ).catch(() => []);
    return {
      entries: states.reduce((sum, { entries }) => sum + entries, 0),
      longest: Math.max(0, ...states.map(({ entries }) => entries)),
      oldestMs: Math.max(0, ...states.map(({ ageMs }) => ageMs)),
    };
  }
}
