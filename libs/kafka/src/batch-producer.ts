import { Partitioners, type Kafka, type Producer, type RecordMetadata } from 'kafkajs';
import { describeError } from './kafka-error';
import { KAFKAJS_RETRY } from './kafka-client';
import { splitByBytes, type OutgoingMessage } from './record-batch';

const ACKS_ALL = -1;
/** How long the leader may wait for its replicas. */
const ACK_TIMEOUT_MS = 10_000;

export interface BatchSend {
  /** With `FLUX_TOPIC_PREFIX`. */
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly OutgoingMessage[];
}

export type SendOutcome =
  | { readonly outcome: 'acked' }
  /** The first `acked` messages are safe; what became of the others is unknown, so send them again. */
  | { readonly outcome: 'failed'; readonly acked: number; readonly reason: string };

/**
 * Sends messages to one partition so that they are acknowledged by all in-sync replicas, in their order, as few
 * record batches of at most MAX_RECORD_BATCH_BYTES. Sends to the same partition wait for each other: one is in
 * flight, whoever calls. It is not idempotent in Kafka's sense: a failed send can have arrived, so a repeat
 * duplicates, and the order of first appearances holds.
 */
export class BatchProducer {
  private readonly producer: Producer;
  /** By partition, the last send; each waits for the one before. */
  private readonly tails = new Map<string, Promise<unknown>>();
  private connected: Promise<void> | undefined;

  constructor(kafka: Kafka) {
    this.producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      // The caller decides how long to try: it holds a lease, or a position, or neither.
      retry: { ...KAFKAJS_RETRY, retries: 2 },
    });
  }

  /** Never rejects; connects when needed. */
  async send(batch: BatchSend): Promise<SendOutcome> {
    const lane = `${batch.topic}/${batch.partition}`;
    const previous = this.tails.get(lane) ?? Promise.resolve();
    const send = previous.then(() => this.sendNow(batch));
    this.tails.set(lane, send);
    try {
      return await send;
    } finally {
      if (this.tails.get(lane) === send) this.tails.delete(lane);
    }
  }

  /** Waits for the sends in flight. */
  async disconnect(): Promise<void> {
    await Promise.all(this.tails.values());
    await this.producer.disconnect();
    this.connected = undefined;
  }

  private async sendNow({ topic, partition, messages }: BatchSend): Promise<SendOutcome> {
    let acked = 0;
    try {
      await this.connect();
      for (const chunk of splitByBytes(messages)) {
        const records = await this.producer.send({
          topic,
          acks: ACKS_ALL,
          timeout: ACK_TIMEOUT_MS,
          messages: chunk.map((message) => ({ ...message, partition })),
        });
        if (!isAcked(records, partition)) {
          return { outcome: 'failed', acked, reason: 'Kafka answered without an acknowledgement' };
        }
        acked += chunk.length;
      }
      return { outcome: 'acked' };
    } catch (error) {
      return { outcome: 'failed', acked, reason: describeError(error) };
    }
  }

  private async connect(): Promise<void> {
    this.connected ??= this.producer.connect().catch((error: unknown) => {
      this.connected = undefined;
      throw error;
    });
    await this.connected;
  }
}

/** kafkajs has resolved sends that no broker had acknowledged (issue 1005): look at the answer itself. */
function isAcked(records: readonly RecordMetadata[], partition: number): boolean {
  return records.some(
    (record) =>
      record.partition === partition && record.errorCode === 0 && Number(record.baseOffset ?? -1) >= 0,
  );
}
