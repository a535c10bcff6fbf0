import { backoffMs, pauseUnlessAborted } from '@flux/background';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { isObservable, lastValueFrom } from 'rxjs';
import type { BatchAnswer, KafkaBatch, ParkingPort } from './batch-handler';
import { consumerObserver, type ConsumerObserver } from './consumer-observer';
import { describeError, isKafkaError } from './kafka-error';
import { KAFKAJS_RETRY } from './kafka-client';
import { silentLog, type KafkaLog } from './kafka-log';
import type { ChunkLimits } from './next-chunk';
import { PartitionWork } from './partition-work';
import { prefixed, type KafkaSettings } from './settings';

const RECONNECT = { firstMs: 200, maxMs: 5_000 };

export interface BatchStrategyOptions {
  /** The consumer's own client; see createKafka. */
  readonly kafka: Kafka;
  readonly settings: Pick<KafkaSettings, 'FLUX_TOPIC_PREFIX'>;
  /** Used as it is. A group that has never committed begins at the oldest message. */
  readonly groupId: string;
  readonly parking: ParkingPort;
  /** The consumer has ended and nothing restarts it: the process must exit, for its supervisor to start it afresh. */
  readonly onFatal: (error: unknown) => void;
  /** Runs before the first connection, e.g. ensureTopics; a rejection is fatal. */
  readonly prepare?: (signal: AbortSignal) => Promise<unknown>;
  readonly observer?: ConsumerObserver;
  readonly log?: KafkaLog;
  /** Most that one handler call gets. */
  readonly limits?: ChunkLimits;
  readonly consumer?: Partial<ConsumerTuning>;
}

export interface ConsumerTuning {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Longest time that a rebalance waits for a running handler. */
  readonly rebalanceTimeoutMs: number;
  /** A fetch answers when it has this many bytes, or after maxWaitMs. */
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /** Partitions whose handlers run at the same time. */
  readonly partitionsAtOnce: number;
}

/**
 * A handler call gets what has arrived, and this much of a backlog: a transaction of 8,000 orders, which locks its item
 * for 0.2 s. A quarter of it drained 25 % fewer orders a second, for each transaction's own cost.
 */
const DEFAULT_LIMITS: ChunkLimits = { messages: 4_000, bytes: 2 * 1_024 * 1_024 };
/** Nothing is fetched while the last fetch is worked on: four calls share the wait for one. */
const FETCH_BYTES_PER_PARTITION = 4 * DEFAULT_LIMITS.bytes;
const DEFAULT_TUNING: ConsumerTuning = {
  // How long a frozen process holds its partitions, and a process that lost Kafka waits for its own former self.
  sessionTimeoutMs: 10_000,
  heartbeatIntervalMs: 2_000,
  rebalanceTimeoutMs: 60_000,
  minBytes: 1,
  // A partition that waits comes back at the end of a fetch, so this adds to every retry.
  maxWaitMs: 200,
  partitionsAtOnce: 4,
};

/**
 * A Nest transport that hands whole batches to ordinary `@EventPattern(topic)` methods (BatchHandler) and commits
 * offsets by their answers. The pattern is the topic without `FLUX_TOPIC_PREFIX`; one method per topic.
 *
 * `listen` returns at once and the consumer starts as soon as Kafka is there: ask `isConsuming` for readiness.
 * `close` stops fetching, lets running handlers finish, commits what they did and leaves the group.
 */
export class BatchStrategy extends Server implements CustomTransportStrategy {
  /** Failures are judged here, so Nest need not report them a second time. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly works = new Map<string, PartitionWork>();
  private readonly closing = new AbortController();
  private readonly observer: ConsumerObserver;
  private readonly log: KafkaLog;
  private readonly tuning: ConsumerTuning;
  private consumer: Consumer | undefined;
  private starting: Promise<void> = Promise.resolve();
  private joined = false;

  constructor(private readonly options: BatchStrategyOptions) {
    super();
    this.observer = options.observer ?? consumerObserver();
    this.log = options.log ?? silentLog;
    this.tuning = { ...DEFAULT_TUNING, ...options.consumer };
  }

  /** Whether this process is a member of the group now. */
  get isConsuming(): boolean {
    return this.joined;
  }

  override addHandler(pattern: unknown, callback: MessageHandler, isEventHandler = false): void {
    const topic = this.normalizePattern(pattern as string);
    if (!isEventHandler) throw new Error(`${topic}: a batch has no reply, use @EventPattern`);
    if (this.messageHandlers.has(topic)) throw new Error(`${topic}: has two handlers`);
    super.addHandler(pattern, callback, isEventHandler);
  }

  listen(callback: () => void): void {
    this.starting = this.start().catch((error: unknown) => {
      if (!this.closing.signal.aborted) this.options.onFatal(error);
    });
    callback();
  }

  async close(): Promise<void> {
    this.closing.abort();
    for (const work of this.works.values()) work.stop();
    await this.starting;
    await this.consumer?.disconnect();
    this.joined = false;
  }

  on(): void {
    throw new Error('BatchStrategy has no transport events; pass an observer');
  }

  unwrap(): never {
    throw new Error('BatchStrategy hides its consumer');
  }

  private async start(): Promise<void> {
    const { signal } = this.closing;
    await this.options.prepare?.(signal);
    for (let attempt = 1; !signal.aborted; attempt++) {
      const consumer = this.createConsumer();
      try {
        await consumer.connect();
        await consumer.subscribe({ topics: this.topics(), fromBeginning: true });
        this.consumer = consumer;
        await consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: this.tuning.partitionsAtOnce,
          eachBatch: (payload) => this.eachBatch(payload),
        });
        return;
      } catch (error) {
        this.log('warn', 'waits for Kafka', { reason: describeError(error), attempt });
        await consumer.disconnect().catch(() => undefined);
        await pauseUnlessAborted(backoffMs(attempt, RECONNECT), signal);
      }
    }
  }

  private topics(): string[] {
    return [...this.messageHandlers.keys()].map((topic) => prefixed(this.options.settings, topic));
  }

  private createConsumer(): Consumer {
    const { kafka, groupId } = this.options;
    const { sessionTimeoutMs, heartbeatIntervalMs, rebalanceTimeoutMs, minBytes, maxWaitMs } = this.tuning;
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: heartbeatIntervalMs,
      rebalanceTimeout: rebalanceTimeoutMs,
      minBytes,
      maxWaitTimeInMs: maxWaitMs,
      maxBytesPerPartition: FETCH_BYTES_PER_PARTITION,
      allowAutoTopicCreation: false,
      retry: KAFKAJS_RETRY,
    });
    const { GROUP_JOIN, CRASH, STOP } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.joined = true;
      this.observer.assigned({ partitions: payload.memberAssignment });
      this.log('info', 'joined the consumer group', { groupId, partitions: payload.memberAssignment });
    });
    consumer.on(STOP, () => {
      this.joined = false;
    });
    consumer.on(CRASH, ({ payload: { error, restart } }) => {
      this.joined = false;
      this.log(restart ? 'warn' : 'error', 'the consumer crashed', { restart, error: describeError(error) });
      if (!restart && !this.closing.signal.aborted) this.options.onFatal(error);
    });
    return consumer;
  }

  private async eachBatch(payload: EachBatchPayload): Promise<void> {
    const { topic, partition } = payload.batch;
    try {
      await this.workOf(topic, partition).run(payload);
    } catch (error) {
      // kafkajs stops for good at a foreign error, and a bug here must not be what ends the process.
      if (isKafkaError(error)) throw error;
      this.log('error', 'a batch could not be worked on', { topic, partition, error: describeError(error) });
      setTimeout(payload.pause(), RECONNECT.maxMs).unref();
    }
  }

  private workOf(topic: string, partition: number): PartitionWork {
    const name = `${topic}/${partition}`;
    const known = this.works.get(name);
    if (known !== undefined) return known;
    const work = new PartitionWork({
      call: (batch) => this.call(topic, batch),
      parking: this.options.parking,
      observer: this.observer,
      log: this.log,
      limits: this.options.limits ?? DEFAULT_LIMITS,
      heartbeatIntervalMs: this.tuning.heartbeatIntervalMs,
    });
    this.works.set(name, work);
    return work;
  }

  private async call(topic: string, batch: KafkaBatch): Promise<BatchAnswer> {
    const handler = this.messageHandlers.get(topic.slice(this.options.settings.FLUX_TOPIC_PREFIX.length));
    const result: unknown = await handler?.(batch);
    // Nest answers with a stream where interceptors or its exception filters are involved.
    const answer: unknown = isObservable(result) ? await lastValueFrom(result) : result;
    if (!isBatchAnswer(answer)) throw new TypeError(`the handler of ${topic} gave no answer`);
    return answer;
  }
}

function isBatchAnswer(value: unknown): value is BatchAnswer {
  if (typeof value !== 'object' || value === null || !('next' in value)) return false;
  return value.next === 'done' || value.next === 'retry' || value.next === 'park';
}
