import { ORDERS_ACCEPTED_TOPIC, ORDERS_CONSUMER_GROUP } from '@flux/contracts';
import { KAFKA_SETTINGS, KafkaAdmin, type KafkaSettings, type Offsets, prefixed } from '@flux/kafka';
import { Inject, Injectable } from '@nestjs/common';

/** Whether the orders processes have applied all that was in Kafka at some moment. */
@Injectable()
export class ConsumerProgress {
  private readonly ends = new Map<string, Offsets>();

  constructor(
    private readonly kafka: KafkaAdmin,
    @Inject(KAFKA_SETTINGS) private readonly settings: KafkaSettings,
  ) {}

  /**
   * The first time a question is asked notes where the topic ends; true once the group has committed all up to there.
   * So a busy topic, whose lag is never 0, holds up nobody.
   * @param question names what is waited for
   */
  async hasCaughtUp(question: string): Promise<boolean> {
    const topic = prefixed(this.settings, ORDERS_ACCEPTED_TOPIC);
    const ends = this.ends.get(question) ?? (await this.kafka.endOffsets(topic));
    this.ends.set(question, ends);
    const committed = await this.kafka.committedOffsets(
      prefixed(this.settings, ORDERS_CONSUMER_GROUP),
      topic,
    );
    return [...ends].every(([partition, end]) => (committed.get(partition) ?? 0n) >= end);
  }

  forget(question: string): void {
    this.ends.delete(question);
  }
}
