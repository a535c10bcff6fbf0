import type { Consumer, Kafka } from 'kafkajs';

/** How long a fetch waits for messages: the end of a member waits for its last fetch. */
const FETCH_WAIT_MS = 100;

interface GroupOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  /** With one partition. */
  readonly topic: string;
}

/**
 * Offsets of a group, committed by a member that stays in it. The admin client's own way joins and leaves each time,
 * which takes five seconds.
 */
export class GroupOffsets {
  private member: Promise<Consumer> | undefined;

  constructor(private readonly options: GroupOptions) {}

  async commit(offset: number): Promise<void> {
    this.member ??= this.join();
    const member = await this.member;
    const { topic } = this.options;
    await member.commitOffsets([{ topic, partition: 0, offset: String(offset) }]);
  }

  async close(): Promise<void> {
    const member = await this.member;
    await member?.disconnect();
  }

  private async join(): Promise<Consumer> {
    const { kafka, groupId, topic } = this.options;
    const member = kafka.consumer({ groupId, maxWaitTimeInMs: FETCH_WAIT_MS });
    await member.connect();
    await member.subscribe({ topic });
    await member.run({ autoCommit: false, eachBatch: nothing });
    // What it would fetch is handled elsewhere.
    member.pause([{ topic }]);
    return member;
  }
}

async function nothing(): Promise<void> {
  // Messages are those that the test handed to Kafka, and it has them.
}
