import { itemEventSchema, type ItemEvent } from '@flux/contracts';
import type { Admin, Kafka } from 'kafkajs';
import { parseJson, TopicReader, type TopicMessage, type TopicReading } from './topic-reader';

/** A message of the sale as it lies in Kafka. */
export interface EventMessage {
  readonly partition: number;
  readonly offset: string;
  /** undefined where neither body nor headers can be read. */
  readonly event: ItemEvent | undefined;
}

interface ReadOptions {
  readonly saleId: string;
  readonly products: ReadonlySet<string>;
  /** No message of the sale is older. */
  readonly sinceMs: number;
  readonly onMessage: (message: EventMessage) => void;
}

/** Reads the topic of accepted orders and wishes to cancel, and how far the orders processes have come in it. */
export class EventReader {
  private readonly reader: TopicReader;

  constructor(
    kafka: Kafka,
    private readonly topic: string,
    private readonly consumerGroup: string,
  ) {
    this.reader = new TopicReader(kafka, topic);
  }

  /** Where the topic ends and how far the orders processes have come, by partition. */
  async progress(
    admin: Admin,
  ): Promise<{ readonly ends: readonly bigint[]; readonly committed: readonly bigint[] }> {
    // One after the other: an admin that has not been told of a topic would look for the group among all topics.
    const ends = await admin.fetchTopicOffsets(this.topic);
    const groups = await admin.fetchOffsets({ groupId: this.consumerGroup, topics: [this.topic] });
    const committed = new Map(
      groups[0]?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]),
    );
    return {
      ends: byPartition(ends, ({ high }) => BigInt(high)),
      // A group that never committed starts at the oldest message.
      committed: byPartition(ends, ({ partition, low }) => {
        const offset = committed.get(partition) ?? 0n;
        return offset > BigInt(low) ? offset : BigInt(low);
      }),
    };
  }

  /** Every message from the sale's beginning to the ends that the topic has now. */
  async read(admin: Admin, options: ReadOptions): Promise<TopicReading> {
    const { sinceMs } = options;
    return this.reader.read(admin, { sinceMs, take: (message) => take(message, options) });
  }
}

function take(message: TopicMessage, { saleId, products, onMessage }: ReadOptions): string | undefined {
  const { partition, offset, key, value, headers } = message;
  const event = eventOf(parseJson(value)) ?? eventOf(eventInHeaders(headers));
  // A message that says nothing of itself is the sale's if its key is one of the sale's products.
  const sale =
    event?.saleId ?? headers['sale'] ?? (key !== undefined && products.has(key) ? saleId : undefined);
  if (sale !== saleId) return undefined;
  onMessage({ partition, offset, event });
  return event?.productId ?? headers['product'] ?? key;
}

function eventOf(candidate: unknown): ItemEvent | undefined {
  const result = itemEventSchema.safeParse(candidate);
  return result.success ? result.data : undefined;
}

/** What the headers say, read on its own for messages whose body is not readable. */
function eventInHeaders(headers: Readonly<Record<string, string>>): unknown {
  const head = {
    type: headers['type'],
    saleId: headers['sale'],
    productId: headers['product'],
    epoch: Number(headers['epoch']),
    firstSequence: Number(headers['first-sequence']),
    acceptedAtMs: Number(headers['accepted-at-ms']),
  };
  if (headers['order'] !== undefined) {
    return { ...head, orderId: headers['order'], shopperId: headers['shopper'] };
  }
  const orders = (headers['orders'] ?? '').split('\n').map((line) => {
    const [orderId, shopperId, quantity, fingerprint, passId] = line.split(' ');
    return { orderId, shopperId, quantity: Number(quantity), fingerprint, passId };
  });
  return { ...head, orders };
}

function byPartition<Offsets extends { readonly partition: number }>(
  offsets: readonly Offsets[],
  valueOf: (offsets: Offsets) => bigint,
): bigint[] {
  const values: bigint[] = [];
  for (const entry of offsets) values[entry.partition] = valueOf(entry);
  return values;
}
