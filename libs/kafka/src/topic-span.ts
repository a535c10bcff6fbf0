import { randomUUID } from 'node:crypto';
import type { EachBatchPayload, Kafka } from 'kafkajs';
import { aimAt, findTopic } from './ask-by-name';
import type { KafkaMessage } from './batch-handler';
import { decodeMessage } from './decode-message';

/** Messages of a partition: from an offset up to another, which is left out. */
export interface TopicSpan {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * What a topic holds now, by partition; empty where there is no such topic.
 * @throws while Kafka is unreachable
 */
export async function topicSpans(kafka: Kafka, topic: string): Promise<readonly TopicSpan[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    if ((await findTopic(admin, topic)) === undefined) return [];
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets
      .map(({ partition, low, high }) => ({ partition, from: BigInt(low), to: BigInt(high) }))
      .sort((one, other) => one.partition - other.partition);
  } finally {
    await admin.disconnect();
  }
}

/**
 * Up to where a group has committed, by partition; a partition of which it has nothing to say is absent.
 * @throws while Kafka is unreachable
 */
export async function groupOffsets(
  kafka: Kafka,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, bigint>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await aimAt(admin, topic);
    const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const committed = (answer?.partitions ?? []).map(
      ({ partition, offset }) => [partition, BigInt(offset)] as const,
    );
    return new Map(committed.filter(([, offset]) => offset >= 0n));
  } finally {
    await admin.disconnect();
  }
}

export interface SpanReading {
  readonly kafka: Kafka;
  /** With `FLUX_TOPIC_PREFIX`. */
  readonly topic: string;
  readonly spans: readonly TopicSpan[];
  /** Gets the messages of one partition in their order, some at a time; the next come when it resolves. */
  readonly take: (messages: readonly KafkaMessage[]) => Promise<void>;
}

/** A broker that is there answers sooner. */
const SILENCE_MS = 60_000;
/** One hand-over: so long may `take` work before the group hears of the reader. */
const MESSAGES_AT_ONCE = 500;

/**
 * Reads messages with a group of its own, which is gone afterwards. Partition by partition in no fixed order.
 * @throws what `take` throws, and where Kafka is silent for a minute
 */
export async function readSpans({ kafka, topic, spans, take }: SpanReading): Promise<void> {
  const filled = spans.filter(({ from, to }) => from < to);
  if (filled.length === 0) return;
  const groupId = `flux-read-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    maxWaitTimeInMs: 200,
    sessionTimeout: 60_000,
    allowAutoTopicCreation: false,
  });
  const left = new Map(filled.map((span) => [span.partition, span]));
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const silent = setTimeout(() => {
        reject(new Error(`topic ${topic}: no message for ${SILENCE_MS} ms, and the end is not reached`));
      }, SILENCE_MS);
      const end = (settle: () => void): void => {
        clearTimeout(silent);
        settle();
      };
      const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
        const { batch } = payload;
        silent.refresh();
        const span = left.get(batch.partition);
        if (span === undefined) return;
        const messages = batch.messages
          .map((message) => decodeMessage(batch, message))
          .filter(({ offset }) => offset >= span.from && offset < span.to);
        for (let from = 0; from < messages.length; from += MESSAGES_AT_ONCE) {
          await take(messages.slice(from, from + MESSAGES_AT_ONCE));
          silent.refresh();
          await payload.heartbeat();
        }
        // Where a batch came again, its messages were given before.
        const next = BigInt(batch.lastOffset()) + 1n;
        if (next < span.to) left.set(batch.partition, { ...span, from: next });
        else left.delete(batch.partition);
        if (left.size === 0) end(resolve);
      };
      consumer
        .run({
          autoCommit: false,
          eachBatch: (payload) =>
            // An error thrown into kafkajs would only be tried again.
            eachBatch(payload).catch((error: unknown) => {
              end(() => {
                reject(error instanceof Error ? error : new Error(String(error)));
              });
            }),
        })
        .catch(reject);
      for (const { partition, from } of filled) consumer.seek({ topic, partition, offset: String(from) });
    });
  } finally {
    await consumer.disconnect();
    await forget(kafka, groupId, topic);
  }
}

async function forget(kafka: Kafka, groupId: string, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await aimAt(admin, topic);
    await admin.deleteGroups([groupId]);
  } catch {
    // Best effort: the broker forgets an empty group without offsets by itself.
  } finally {
    await admin.disconnect();
  }
}
