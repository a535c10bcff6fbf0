import type { Admin, Kafka } from 'kafkajs';
import { aimAt } from './ask-by-name';

/** By partition. */
export type Offsets = ReadonlyMap<number, bigint>;

/**
 * Reads where a topic ends and how far a group has come. Every call rejects while Kafka is unreachable, and works
 * again afterwards. Topics and groups are named with `FLUX_TOPIC_PREFIX`.
 */
export class KafkaAdmin {
  private admin: Promise<Admin> | undefined;
  /** By topic. */
  private readonly probes = new Map<string, Promise<boolean>>();

  constructor(private readonly kafka: Kafka) {}

  /** The offset that the next message of each partition will get. */
  async endOffsets(topic: string): Promise<Offsets> {
    const offsets = await this.ask((admin) => admin.fetchTopicOffsets(topic));
    return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
  }

  /** The offset from which the group goes on; 0 in a partition where it has not committed: it starts at the beginning. */
  async committedOffsets(groupId: string, topic: string): Promise<Offsets> {
    const [answer] = await this.ask(async (admin) => {
      await aimAt(admin, topic);
      return admin.fetchOffsets({ groupId, topics: [topic] });
    });
    return new Map(
      (answer?.partitions ?? []).map(({ partition, offset }) => {
        const committed = BigInt(offset);
        return [partition, committed > 0n ? committed : 0n];
      }),
    );
  }

  /** Messages that the group has not committed, by partition. */
  async lag(groupId: string, topic: string): Promise<Offsets> {
    // Committed first: read the other way round, a busy group could seem to be ahead of the end.
    const committed = await this.committedOffsets(groupId, topic);
    const ends = await this.endOffsets(topic);
    return new Map([...ends].map(([partition, end]) => [partition, end - (committed.get(partition) ?? 0n)]));
  }

  async partitions(topic: string): Promise<number> {
    const { topics } = await this.ask((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    return topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
  }

  /**
   * Whether Kafka answers now, and each partition of this topic has a leader; whatever becomes of other topics. Callers
   * that ask while a question is under way share its answer.
   */
  isReachable(topic: string): Promise<boolean> {
    const underWay = this.probes.get(topic);
    if (underWay !== undefined) return underWay;
    const probe = this.partitions(topic)
      .then(
        (partitions) => partitions > 0,
        () => false,
      )
      .finally(() => this.probes.delete(topic));
    this.probes.set(topic, probe);
    return probe;
  }

  async disconnect(): Promise<void> {
    const admin = this.admin;
    this.admin = undefined;
    await (await admin?.catch(() => undefined))?.disconnect();
  }

  private async ask<Answer>(question: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    const connecting = (this.admin ??= this.connect());
    try {
      return await question(await connecting);
    } catch (error) {
      // kafkajs's admin does not recover from every lost connection: the next call gets a new one.
      if (this.admin === connecting) await this.disconnect().catch(() => undefined);
      throw error;
    }
  }

  private async connect(): Promise<Admin> {
    const admin = this.kafka.admin();
    await admin.connect();
    return admin;
  }
}
