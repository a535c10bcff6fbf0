import { randomUUID } from 'node:crypto';
import {
  KafkaJSProtocolError,
  type Admin,
  type EachBatchPayload,
  type IHeaders,
  type Kafka,
  type KafkaMessage,
} from 'kafkajs';

export interface TopicReading {
  /** False where retention may have deleted the item's first messages, or the topic is not there. */
  readonly isComplete: (productId: string) => boolean;
}

export interface TopicReadOptions {
  /** No message that is asked for is older. */
  readonly sinceMs: number;
  /** Takes one message. @returns the product whose it was; undefined where it was another sale's */
  readonly take: (message: TopicMessage) => string | undefined;
}

/** A message as text; `value` is undefined where there is none. */
export interface TopicMessage {
  readonly partition: number;
  readonly offset: string;
  readonly key: string | undefined;
  readonly value: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a topic ends, and its messages that are left; by partition. */
interface Span {
  readonly partition: number;
  readonly start: bigint;
  readonly end: bigint;
  /** Messages may have been deleted. */
  readonly cut: boolean;
}

/** Brokers and relays keep clocks of their own: reading begins this much before the sale. */
const CLOCK_SLACK_MS = 3_600_000;
const SILENCE_MS = 30_000;

/** Reads a topic raw, with a group of its own that is gone afterwards. */
export class TopicReader {
  constructor(
    private readonly kafka: Kafka,
    readonly topic: string,
  ) {}

  /** Every message from about `sinceMs` on to the ends that the topic has now. */
  async read(admin: Admin, { sinceMs, take }: TopicReadOptions): Promise<TopicReading> {
    if (!(await this.exists(admin))) return { isComplete: () => false };
    const spans = await this.spans(admin, sinceMs - CLOCK_SLACK_MS);
    const firstTimes = new Map<number, number>();
    const partitionsOf = new Map<string, Set<number>>();
    await this.consume(admin, spans, (partition, message) => {
      if (!firstTimes.has(partition)) firstTimes.set(partition, Number(message.timestamp));
      const product = take(textOf(partition, message));
      if (product !== undefined)
        partitionsOf.set(product, (partitionsOf.get(product) ?? new Set()).add(partition));
    });
    const cut = spans
      .filter(({ partition, cut }) => cut && (firstTimes.get(partition) ?? Infinity) >= sinceMs)
      .map(({ partition }) => partition);
    return {
      // An item lives on one partition; where none of its messages is left, any may have been its.
      isComplete: (productId) =>
        cut.every((partition) => partitionsOf.get(productId)?.has(partition) === false),
    };
  }

  /** By its name: to the question for all topics Kafka has no answer while any of them has no leader, whoever's it is. */
  private async exists(admin: Admin): Promise<boolean> {
    try {
      await admin.fetchTopicMetadata({ topics: [this.topic] });
      return true;
    } catch (error) {
      if (error instanceof KafkaJSProtocolError && error.type === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
      throw error;
    }
  }

  private async spans(admin: Admin, fromMs: number): Promise<readonly Span[]> {
    const offsets = await admin.fetchTopicOffsets(this.topic);
    const starts = await admin.fetchTopicOffsetsByTimestamp(this.topic, fromMs);
    const startOf = new Map(starts.map(({ partition, offset }) => [partition, BigInt(offset)]));
    return offsets.map(({ partition, high, low }) => {
      const start = max(startOf.get(partition) ?? 0n, BigInt(low));
      // Where messages older than the sale are left, none of the sale's can be gone.
      return { partition, start, end: BigInt(high), cut: BigInt(low) > 0n && start <= BigInt(low) };
    });
  }

  private async consume(
    admin: Admin,
    spans: readonly Span[],
    onMessage: (partition: number, message: KafkaMessage) => void,
  ): Promise<void> {
    const filled = spans.filter(({ start, end }) => start < end);
    if (filled.length === 0) return;
    const groupId = `flux-audit-${randomUUID()}`;
    const consumer = this.kafka.consumer({ groupId, maxWaitTimeInMs: 200, allowAutoTopicCreation: false });
    const left = new Map(filled.map(({ partition, end }) => [partition, end]));
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: this.topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        const silent = setTimeout(() => {
          reject(
            new Error(`topic ${this.topic}: no message for ${SILENCE_MS} ms, and the end is not reached`),
          );
        }, SILENCE_MS);
        consumer.on('consumer.crash', ({ payload }) => {
          reject(payload.error);
        });
        const eachBatch = ({ batch }: EachBatchPayload): Promise<void> => {
          silent.refresh();
          const end = left.get(batch.partition);
          if (end === undefined) return Promise.resolve();
          for (const message of batch.messages) {
            if (BigInt(message.offset) < end) onMessage(batch.partition, message);
          }
          if (BigInt(batch.lastOffset()) + 1n >= end) left.delete(batch.partition);
          if (left.size > 0) return Promise.resolve();
          clearTimeout(silent);
          resolve();
          return Promise.resolve();
        };
        consumer.run({ autoCommit: false, eachBatch }).catch(reject);
        for (const { partition, start } of filled) {
          consumer.seek({ topic: this.topic, partition, offset: String(start) });
        }
      });
    } finally {
      await consumer.disconnect();
      // Best effort: the broker forgets an empty group without offsets by itself.
      await admin.deleteGroups([groupId]).catch(() => undefined);
    }
  }
}

export function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function textOf(partition: number, { offset, key, value, headers }: KafkaMessage): TopicMessage {
  return {
    partition,
    offset,
    key: key?.toString('utf8'),
    value: value?.toString('utf8'),
    headers: textHeaders(headers),
  };
}

function textHeaders(headers: IHeaders | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => {
      const first = Array.isArray(value) ? value[0] : value;
      return [name, first?.toString() ?? ''];
    }),
  );
}

function max(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
