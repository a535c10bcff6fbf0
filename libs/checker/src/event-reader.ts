import { randomUUID } from 'node:crypto';
import { ordersAcceptedSchema, type OrdersAccepted } from '@flux/contracts';
import type { Admin, EachBatchPayload, IHeaders, Kafka, KafkaMessage } from 'kafkajs';

/** A message of the sale as it lies in Kafka. */
export interface EventMessage {
  readonly partition: number;
  readonly offset: string;
  /** undefined where neither body nor headers can be read. */
  readonly event: OrdersAccepted | undefined;
}

export interface TopicReading {
  /** False where retention may have deleted the item's first messages. */
  readonly isComplete: (productId: string) => boolean;
}

interface ReadOptions {
  readonly saleId: string;
  readonly products: ReadonlySet<string>;
  /** No message of the sale is older. */
  readonly sinceMs: number;
  readonly onMessage: (message: EventMessage) => void;
}

/** Brokers and relays keep clocks of their own: reading begins this much before the sale. */
const CLOCK_SLACK_MS = 3_600_000;
const SILENCE_MS = 30_000;

/** Reads the topic of accepted orders raw, with a group of its own that is gone afterwards. */
export class EventReader {
  constructor(
    private readonly kafka: Kafka,
    private readonly topic: string,
    private readonly consumerGroup: string,
  ) {}

  /** Where the topic ends and how far the orders processes have come, by partition. */
  async progress(
    admin: Admin,
  ): Promise<{ readonly ends: readonly bigint[]; readonly committed: readonly bigint[] }> {
    const [ends, groups] = await Promise.all([
      admin.fetchTopicOffsets(this.topic),
      admin.fetchOffsets({ groupId: this.consumerGroup, topics: [this.topic] }),
    ]);
    const committed = new Map(
      groups[0]?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]),
    );
    return {
      ends: byPartition(ends, ({ high }) => BigInt(high)),
      // A group that never committed starts at the oldest message.
      committed: byPartition(ends, ({ partition, low }) => max(committed.get(partition) ?? 0n, BigInt(low))),
    };
  }

  /** Every message from the sale's beginning to the ends that the topic has now. */
  async read(admin: Admin, options: ReadOptions): Promise<TopicReading> {
    const offsets = await admin.fetchTopicOffsets(this.topic);
    const starts = await admin.fetchTopicOffsetsByTimestamp(this.topic, options.sinceMs - CLOCK_SLACK_MS);
    const startOf = new Map(starts.map(({ partition, offset }) => [partition, BigInt(offset)]));
    const partitions = offsets.map(({ partition, high, low }) => {
      const start = max(startOf.get(partition) ?? 0n, BigInt(low));
      // Where messages older than the sale are left, none of the sale's can be gone.
      return { partition, start, end: BigInt(high), cut: BigInt(low) > 0n && start <= BigInt(low) };
    });
    const firstTimes = new Map<number, number>();
    const partitionsOf = new Map<string, Set<number>>();
    await this.consume(
      partitions.filter(({ start, end }) => start < end),
      (partition, message) => {
        if (!firstTimes.has(partition)) firstTimes.set(partition, Number(message.timestamp));
        const product = this.take(partition, message, options);
        if (product !== undefined)
          partitionsOf.set(product, (partitionsOf.get(product) ?? new Set()).add(partition));
      },
    );
    const cut = partitions
      .filter(({ partition, cut }) => cut && (firstTimes.get(partition) ?? Infinity) >= options.sinceMs)
      .map(({ partition }) => partition);
    return {
      // An item lives on one partition; where none of its messages is left, any may have been its.
      isComplete: (productId) =>
        cut.every((partition) => partitionsOf.get(productId)?.has(partition) === false),
    };
  }

  /** @returns the product whose message it was */
  private take(partition: number, message: KafkaMessage, options: ReadOptions): string | undefined {
    const { saleId, products, onMessage } = options;
    const headers = textHeaders(message.headers);
    const event = eventOf(parseJson(message.value?.toString('utf8'))) ?? eventOf(bookingOf(headers));
    const key = message.key?.toString('utf8');
    // A message that says nothing of itself is the sale's if its key is one of the sale's products.
    const sale =
      event?.saleId ?? headers['sale'] ?? (key !== undefined && products.has(key) ? saleId : undefined);
    if (sale !== saleId) return undefined;
    onMessage({ partition, offset: message.offset, event });
    return event?.productId ?? headers['product'] ?? key;
  }

  private async consume(
    partitions: readonly { readonly partition: number; readonly start: bigint; readonly end: bigint }[],
    onMessage: (partition: number, message: KafkaMessage) => void,
  ): Promise<void> {
    if (partitions.length === 0) return;
    const groupId = `flux-audit-${randomUUID()}`;
    const consumer = this.kafka.consumer({ groupId, maxWaitTimeInMs: 200 });
    const left = new Map(partitions.map(({ partition, end }) => [partition, end]));
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: this.topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        const silent = setTimeout(() => {
          reject(
            new Error(`topic ${this.topic}: no message for ${SILENCE_MS} ms, and the end is not reached`),
          );
        }, SILENCE_MS);
        consumer.on('consumer.crash', ({ payload }) => {
          reject(payload.error);
        });
        const eachBatch = ({ batch }: EachBatchPayload): Promise<void> => {
          silent.refresh();
          const end = left.get(batch.partition);
          if (end === undefined) return Promise.resolve();
          for (const message of batch.messages) {
            if (BigInt(message.offset) < end) onMessage(batch.partition, message);
          }
          if (BigInt(batch.lastOffset()) + 1n >= end) left.delete(batch.partition);
          if (left.size > 0) return Promise.resolve();
          clearTimeout(silent);
          resolve();
          return Promise.resolve();
        };
        consumer.run({ autoCommit: false, eachBatch }).catch(reject);
        for (const { partition, start } of partitions) {
          consumer.seek({ topic: this.topic, partition, offset: String(start) });
        }
      });
    } finally {
      await consumer.disconnect();
      await this.forget(groupId);
    }
  }

  private async forget(groupId: string): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      // Best effort: the broker forgets an empty group without offsets by itself.
      await admin.deleteGroups([groupId]).catch(() => undefined);
    } finally {
      await admin.disconnect();
    }
  }
}

function eventOf(candidate: unknown): OrdersAccepted | undefined {
  const result = ordersAcceptedSchema.safeParse(candidate);
  return result.success ? result.data : undefined;
}

/** What the headers say, read on its own for messages whose body is not readable. */
function bookingOf(headers: Readonly<Record<string, string>>): unknown {
  return {
    type: headers['type'],
    saleId: headers['sale'],
    productId: headers['product'],
    epoch: Number(headers['epoch']),
    firstSequence: Number(headers['first-sequence']),
    acceptedAtMs: Number(headers['accepted-at-ms']),
    orders: (headers['orders'] ?? '').split('\n').map((line) => {
      const [orderId, shopperId, quantity, fingerprint] = line.split(' ');
      return { orderId, shopperId, quantity: Number(quantity), fingerprint };
    }),
  };
}

function textHeaders(headers: IHeaders | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => {
      const first = Array.isArray(value) ? value[0] : value;
      return [name, first?.toString() ?? ''];
    }),
  );
}

function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function byPartition<Offsets extends { readonly partition: number }>(
  offsets: readonly Offsets[],
  valueOf: (offsets: Offsets) => bigint,
): bigint[] {
  const values: bigint[] = [];
  for (const entry of offsets) values[entry.partition] = valueOf(entry);
  return values;
}

function max(one: bigint, other: bigint): bigint {
  return one > other ? one : other;
}
