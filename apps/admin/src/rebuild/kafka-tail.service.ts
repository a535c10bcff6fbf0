import {
  decodeItemHeaders,
  itemName,
  lastSequenceOf,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
  type ItemRef,
} from '@flux/contracts';
import {
  KAFKA_SETTINGS,
  KafkaAdmin,
  type KafkaMessage,
  type KafkaSettings,
  partitionOf,
  prefixed,
  readSpans,
  type TopicSpan,
} from '@flux/kafka';
import { Inject, Injectable } from '@nestjs/common';
import { Kafka } from 'kafkajs';

/** An item in one of its epochs. */
export interface ItemEpoch extends ItemRef {
  readonly epoch: number;
}

/** What Kafka has of accepted orders and the orders processes have not applied yet. */
@Injectable()
export class KafkaTail {
  private readonly topic: string;
  private readonly groupId: string;

  constructor(
    private readonly kafka: Kafka,
    private readonly admin: KafkaAdmin,
    @Inject(KAFKA_SETTINGS) settings: KafkaSettings,
  ) {
    this.topic = prefixed(settings, ORDERS_ACCEPTED_TOPIC);
    this.groupId = prefixed(settings, ORDERS_CONSUMER_GROUP);
  }

  /**
   * The highest sequence of each item in its epoch among the messages that are there now and that the orders processes
   * have not committed; absent where there is none. What they have committed by now is in PostgreSQL.
   * @returns by `itemName`
   * @throws where Kafka cannot be asked or read
   */
  async lastSequences(items: readonly ItemEpoch[]): Promise<ReadonlyMap<string, number>> {
    const ends = await this.admin.endOffsets(this.topic);
    const committed = await this.admin.committedOffsets(this.groupId, this.topic);
    const partitions = new Set(items.map(({ productId }) => partitionOf(productId, ends.size)));
    const spans = [...partitions].map((partition): TopicSpan => {
      const end = ends.get(partition);
      if (end === undefined) throw new Error(`the topic ${this.topic} is not there`);
      return { partition, from: committed.get(partition) ?? 0n, to: end };
    });
    const epochs = new Map(items.map((item) => [itemName(item), item.epoch]));
    const last = new Map<string, number>();
    const take = (messages: readonly KafkaMessage[]): Promise<void> => {
      for (const { headers } of messages) {
        // Whose headers cannot be read is booked by nobody.
        const decoded = decodeItemHeaders(headers);
        if (decoded.outcome === 'unreadable') continue;
        const { event } = decoded;
        const name = itemName(event);
        if (epochs.get(name) !== event.epoch) continue;
        last.set(name, Math.max(last.get(name) ?? 0, lastSequenceOf(event)));
      }
      return Promise.resolve();
    };
    await readSpans({ kafka: this.kafka, topic: this.topic, spans, take });
    return last;
  }
}
