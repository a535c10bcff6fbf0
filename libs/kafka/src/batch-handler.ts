/** A message as a consumer receives it. */
export interface KafkaMessage {
  /** With `FLUX_TOPIC_PREFIX`. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string | undefined;
  /** The bytes as they came: a poison body need not be text. */
  readonly value: Buffer | undefined;
  /** Decoded as UTF-8; of a repeated header the first. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}

/** Neighbouring messages of one partition, in its order; at least one. */
export interface KafkaBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly KafkaMessage[];
}

/**
 * What a handler wants to happen next with its batch.
 * - `done`: its effects are committed; the offset follows.
 * - `retry`: nothing is wrong with the data. The batch comes again, with growing pauses, for as long as this process
 *   owns the partition. It is never parked.
 * - `park`: one of the messages can never be processed, **and the call had no effect**. The batch is halved until the
 *   culprit is alone, which is handed to the `ParkingPort`.
 *
 * A handler that throws is called again a few times, then its answer counts as `park`: an outage is answered with
 * `retry`, so only data can fail for ever.
 */
export type BatchAnswer =
  | { readonly next: 'done' }
  | { readonly next: 'retry'; readonly reason: string }
  | { readonly next: 'park'; readonly reason: string };

/** An ordinary `@EventPattern(topic)` method; the topic stands there without `FLUX_TOPIC_PREFIX`. */
export type BatchHandler = (batch: KafkaBatch) => Promise<BatchAnswer>;

/** Where a message goes that can never be processed. */
export interface ParkingPort {
  /**
   * Puts the message aside for good, whatever its bytes are; again for the same message changes nothing. A rejection
   * means "not now": the message is parked again later, and the partition waits for it.
   */
  park(message: KafkaMessage, reason: string): Promise<void>;
}
