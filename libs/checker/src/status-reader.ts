import { itemOfOrderId, orderStatusEventSchema, type OrderStatusEvent } from '@flux/contracts';
import type { Admin, Kafka } from 'kafkajs';
import { parseJson, TopicReader, type TopicReading } from './topic-reader';

/** A published change of an order of the sale, as it lies in Kafka. */
export interface StatusMessage {
  readonly partition: number;
  readonly offset: string;
  readonly key: string | undefined;
  /** undefined where it cannot be read. */
  readonly event: OrderStatusEvent | undefined;
}

interface ReadOptions {
  readonly saleId: string;
  readonly products: ReadonlySet<string>;
  /** No message of the sale is older. */
  readonly sinceMs: number;
  readonly onMessage: (message: StatusMessage) => void;
}

/** Reads the topic of order statuses. */
export class StatusReader {
  private readonly reader: TopicReader;

  constructor(kafka: Kafka, topic: string) {
    this.reader = new TopicReader(kafka, topic);
  }

  /** Every message from the sale's beginning to the ends that the topic has now. */
  async read(admin: Admin, { saleId, products, sinceMs, onMessage }: ReadOptions): Promise<TopicReading> {
    return this.reader.read(admin, {
      sinceMs,
      take: ({ partition, offset, key, value }) => {
        const event = eventOf(value);
        const ofKey = key !== undefined && products.has(key);
        const isOfSale = event === undefined ? ofKey : itemOfOrderId(event.orderId)?.saleId === saleId;
        if (!isOfSale) return undefined;
        onMessage({ partition, offset, key, event });
        return event?.productId ?? key;
      },
    });
  }
}

function eventOf(value: string | undefined): OrderStatusEvent | undefined {
  const result = orderStatusEventSchema.safeParse(parseJson(value));
  return result.success ? result.data : undefined;
}
