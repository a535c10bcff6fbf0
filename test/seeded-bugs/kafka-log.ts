import {
  BatchProducer,
  type BatchSend,
  type KafkaMessage,
  type OutgoingMessage,
  type SendOutcome,
} from '@flux/kafka';
import type { Kafka } from 'kafkajs';

/** The real producer, which remembers what lies in the item's one partition, and can lose what it says it has sent. */
export class KafkaLog extends BatchProducer {
  readonly messages: KafkaMessage[] = [];
  /** How many of the next messages are acknowledged and lost, as Node clients have done. */
  loses = 0;
  /** What becomes of a message before it is sent. */
  spoil: (message: OutgoingMessage) => OutgoingMessage = (message) => message;
  private readonly sent = new Set<string>();

  constructor(
    kafka: Kafka,
    readonly topic: string,
  ) {
    super(kafka);
  }

  override async send(batch: BatchSend): Promise<SendOutcome> {
    if (batch.topic !== this.topic) return super.send(batch);
    const kept = batch.messages.slice(this.loses).map(this.spoil);
    this.loses = Math.max(0, this.loses - batch.messages.length);
    const outcome =
      kept.length === 0 ? ({ outcome: 'acked' } as const) : await super.send({ ...batch, messages: kept });
    if (outcome.outcome === 'failed') return outcome;
    for (const { key, value, headers } of kept) {
      this.messages.push({
        topic: this.topic,
        partition: 0,
        offset: BigInt(this.messages.length),
        key,
        value: Buffer.from(String(value)),
        headers,
        timestampMs: Date.now(),
      });
    }
    for (const { headers } of batch.messages) this.sent.add(entryOf(headers));
    return outcome;
  }

  /** Whether an outbox entry with this id was handed over. */
  hasSent(entryId: string): boolean {
    return this.sent.has(entryId);
  }

  async publish(topic: string, events: readonly { readonly productId: string }[]): Promise<void> {
    const messages = events.map((event) => ({
      key: event.productId,
      value: JSON.stringify(event),
      headers: {},
    }));
    const sent = await this.send({ topic, partition: 0, messages });
    if (sent.outcome === 'failed') throw new Error(sent.reason);
  }
}

/** The entry's id is `<epoch>-<its last sequence>`. */
function entryOf(headers: Readonly<Record<string, string>>): string {
  const orders = (headers['orders'] ?? '').split('\n').length;
  return `${headers['epoch'] ?? ''}-${Number(headers['first-sequence']) + orders - 1}`;
}
