import { KafkaJSProtocolError, type EachBatchPayload } from 'kafkajs';
import { setTimeout as pause } from 'node:timers/promises';
import { backoffMs } from '@flux/background';

const ATTEMPTS = 5;
const RETRY = { firstMs: 100, maxMs: 1_000 };
/** The partition is no longer ours; its new owner commits. */
const LOST = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
]);

/**
 * Commits the offset of the next message of the batch's partition.
 * @throws where the assignment is lost or Kafka does not take it for seconds; the messages then come again
 */
export async function commitOffset(payload: EachBatchPayload, nextOffset: bigint): Promise<void> {
  const { topic, partition } = payload.batch;
  const offsets = { topics: [{ topic, partitions: [{ partition, offset: String(nextOffset) }] }] };
  for (let attempt = 1; ; attempt++) {
    try {
      // Not consumer.commitOffsets: that silently does nothing while the consumer stops.
      await payload.commitOffsetsIfNecessary(offsets);
      return;
    } catch (error) {
      const lost = error instanceof KafkaJSProtocolError && LOST.has(error.type);
      if (lost || attempt === ATTEMPTS) throw error;
      await pause(backoffMs(attempt, RETRY));
    }
  }
}
