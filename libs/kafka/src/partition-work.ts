import { backoffMs } from '@flux/background';
import type { EachBatchPayload } from 'kafkajs';
import type { BatchAnswer, KafkaBatch, KafkaMessage, ParkingPort } from './batch-handler';
import { commitOffset } from './commit-offset';
import type { ConsumerObserver } from './consumer-observer';
import { decodeMessage, messageBytes } from './decode-message';
import { describeError } from './kafka-error';
import type { KafkaLog } from './kafka-log';
import { nextChunk, type ChunkLimits } from './next-chunk';

const RETRY = { firstMs: 100, maxMs: 5_000 };

/**
 * Calls of a throwing handler before its throw counts as `park`: with the pauses about 2 s for a batch. While the
 * culprit is searched one throw is enough to halve again, and a message that is alone gets three calls. So a poison
 * message is parked within seconds, as long as a failing call itself is quick.
 */
const THROWS_OF_BATCH = 5;
const THROWS_OF_SUSPECTS = 1;
const THROWS_OF_SINGLE = 3;

export interface PartitionWorkOptions {
  /** Rejects where the handler throws; answers as the handler does. */
  readonly call: (batch: KafkaBatch) => Promise<BatchAnswer>;
  readonly parking: ParkingPort;
  readonly observer: ConsumerObserver;
  readonly log: KafkaLog;
  readonly limits: ChunkLimits;
  readonly heartbeatIntervalMs: number;
}

/** One handler call's messages. */
interface Chunk {
  readonly batch: KafkaBatch;
  readonly bytes: number;
  readonly first: bigint;
  readonly last: KafkaMessage;
}

type Step =
  | { readonly step: 'advance' }
  /** The culprit is among them. */
  | { readonly step: 'narrow' }
  | { readonly step: 'wait'; readonly reason: string };

/**
 * Works through the batches of one partition, one handler call at a time. A wait pauses the partition in kafkajs and
 * ends the call instead of blocking it, because kafkajs fetches nothing for any partition of a broker while one is
 * being worked on; the same messages come again after the wait.
 */
export class PartitionWork {
  /** Where the trouble below belongs; a batch that begins elsewhere begins without any. */
  private at: bigint | undefined;
  private attempts = 0;
  private throws = 0;
  private suspectUntil: bigint | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PartitionWorkOptions) {}

  /** Rejects with kafkajs's own errors only, which it knows how to handle; a stop leaves the rest unprocessed. */
  async run(payload: EachBatchPayload): Promise<void> {
    const { messages } = payload.batch;
    const sized = messages.map((message) => ({
      offset: BigInt(message.offset),
      bytes: messageBytes(message),
    }));
    for (let from = 0; from < messages.length;) {
      // Throws where the assignment is lost: then nothing more may be begun.
      await payload.heartbeat();
      if (!payload.isRunning() || payload.isStale()) return;

      const { limits } = this.options;
      const count = nextChunk(sized, from, { limits, suspectUntil: this.suspectUntil });
      const chunk = chunkOf(payload, from, count);
      if (chunk === undefined) return;
      if (this.at !== chunk.first) this.begin(chunk.first);

      const next = await this.judge(payload, chunk);
      switch (next.step) {
        case 'advance':
          await this.advance(payload, chunk.last);
          from += count;
          break;
        case 'narrow':
          this.suspectUntil = chunk.last.offset + 1n;
          this.throws = 0;
          break;
        case 'wait':
          this.wait(payload, next.reason);
          return;
      }
    }
  }

  /** No wait goes on after this. */
  stop(): void {
    clearTimeout(this.timer);
  }

  private async judge(payload: EachBatchPayload, chunk: Chunk): Promise<Step> {
    const { call, observer } = this.options;
    const startedAt = performance.now();
    try {
      const answer = await this.withHeartbeats(payload, () => call(chunk.batch));
      switch (answer.next) {
        case 'done': {
          const { topic, partition, messages } = chunk.batch;
          const durationMs = performance.now() - startedAt;
          observer.handled({ topic, partition, messages: messages.length, bytes: chunk.bytes, durationMs });
          return { step: 'advance' };
        }
        case 'retry':
          this.throws = 0;
          return { step: 'wait', reason: answer.reason };
        case 'park':
          return await this.narrowOrPark(payload, chunk, answer.reason);
      }
    } catch (error) {
      return await this.judgeThrow(payload, chunk, describeError(error));
    }
  }

  private async judgeThrow(payload: EachBatchPayload, chunk: Chunk, error: string): Promise<Step> {
    this.throws += 1;
    const reason = `the handler failed: ${error}`;
    const alone = chunk.batch.messages.length === 1;
    const suspected = this.suspectUntil !== undefined;
    const allowed = !suspected ? THROWS_OF_BATCH : alone ? THROWS_OF_SINGLE : THROWS_OF_SUSPECTS;
    if (this.throws < allowed) return { step: 'wait', reason };
    return await this.narrowOrPark(payload, chunk, reason);
  }

  private async narrowOrPark(
    payload: EachBatchPayload,
    { batch, last }: Chunk,
    reason: string,
  ): Promise<Step> {
    if (batch.messages.length > 1) return { step: 'narrow' };
    const { parking, observer } = this.options;
    try {
      await this.withHeartbeats(payload, () => parking.park(last, reason));
    } catch (error) {
      return { step: 'wait', reason: `parking failed: ${describeError(error)}` };
    }
    const { topic, partition, offset } = last;
    observer.parked({ topic, partition, offset, reason });
    this.suspectUntil = undefined;
    return { step: 'advance' };
  }

  private async advance(payload: EachBatchPayload, last: KafkaMessage): Promise<void> {
    const { topic, partition, offset } = last;
    await commitOffset(payload, offset + 1n);
    // Only now: what is not committed is fetched again.
    payload.resolveOffset(String(offset));
    const lag = Number(BigInt(payload.batch.highWatermark) - offset - 1n);
    this.options.observer.lag({ topic, partition, lag });
    this.begin(offset + 1n);
  }

  private begin(at: bigint): void {
    this.at = at;
    this.attempts = 0;
    this.throws = 0;
    if (this.suspectUntil !== undefined && at >= this.suspectUntil) this.suspectUntil = undefined;
  }

  private wait(payload: EachBatchPayload, reason: string): void {
    const { topic, partition } = payload.batch;
    this.attempts += 1;
    const delayMs = backoffMs(this.attempts, RETRY);
    this.options.observer.retried({ topic, partition, reason, attempt: this.attempts, delayMs });
    this.options.log('warn', 'the batch waits', {
      topic,
      partition,
      reason,
      attempt: this.attempts,
      delayMs,
    });
    clearTimeout(this.timer);
    this.timer = setTimeout(payload.pause(), delayMs).unref();
  }

  /** The member stays alive in the group however long the work takes. */
  private async withHeartbeats<Result>(
    payload: EachBatchPayload,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const timer = setInterval(() => {
      // What a heartbeat has to say is said again by the one before the next call.
      payload.heartbeat().catch(() => undefined);
    }, this.options.heartbeatIntervalMs / 2);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }
}

function chunkOf({ batch }: EachBatchPayload, from: number, count: number): Chunk | undefined {
  const raw = batch.messages.slice(from, from + count);
  const messages = raw.map((message) => decodeMessage(batch, message));
  const [first] = messages;
  const last = messages.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const bytes = raw.reduce((sum, message) => sum + messageBytes(message), 0);
  return {
    batch: { topic: batch.topic, partition: batch.partition, messages },
    bytes,
    first: first.offset,
    last,
  };
}
