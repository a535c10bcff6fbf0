import type { Admin, Kafka } from 'kafkajs';
import { parseJson, TopicReader, type TopicReading } from './topic-reader';

/** A transaction of the ledger, or a part of it, as it lies in Kafka. */
export interface LogMessage {
  readonly partition: number;
  readonly offset: string;
  readonly key: string | undefined;
  /** undefined where it cannot be read. */
  readonly entry: LogEntry | undefined;
}

export interface LogEntry {
  readonly productId: string;
  readonly version: number;
  readonly part: number;
  readonly parts: number;
  /** The ledger's row after the transaction, by column. */
  readonly image: Readonly<Record<string, unknown>>;
  /** Orders with the state that they got, in the order in which they did. */
  readonly states: readonly (readonly [orderId: string, state: string])[];
}

interface ReadOptions {
  readonly saleId: string;
  readonly products: ReadonlySet<string>;
  /** No message of the sale is older. */
  readonly sinceMs: number;
  readonly onMessage: (message: LogMessage) => void;
}

/** Reads the topic of the ledger's events on its own: nothing here is shared with who writes or replays them. */
export class LedgerLogReader {
  private readonly reader: TopicReader;

  constructor(kafka: Kafka, topic: string) {
    this.reader = new TopicReader(kafka, topic);
  }

  /** Every message from the sale's beginning to the ends that the topic has now. */
  async read(admin: Admin, { saleId, products, sinceMs, onMessage }: ReadOptions): Promise<TopicReading> {
    return this.reader.read(admin, {
      sinceMs,
      take: ({ partition, offset, key, value }) => {
        const body = objectOf(parseJson(value));
        const sale = body?.['saleId'] ?? (key !== undefined && products.has(key) ? saleId : undefined);
        if (sale !== saleId) return undefined;
        const entry = body === undefined ? undefined : entryOf(body);
        onMessage({ partition, offset, key, entry });
        return entry?.productId ?? key;
      },
    });
  }
}

function entryOf(body: Readonly<Record<string, unknown>>): LogEntry | undefined {
  const { type, saleId, productId, version, part, parts, runs } = body;
  const image = objectOf(body['ledger']);
  if (type !== 'ledger-events.v1' || typeof saleId !== 'string' || typeof productId !== 'string')
    return undefined;
  if (typeof version !== 'number' || typeof part !== 'number' || typeof parts !== 'number') return undefined;
  if (image === undefined || !Array.isArray(runs)) return undefined;
  const states: [string, string][] = [];
  // New rows first, as the transaction wrote them.
  const ordered = [...runs.map(objectOf)].sort(
    (one, other) => Number(isChange(one)) - Number(isChange(other)),
  );
  for (const run of ordered) {
    if (typeof run?.['state'] !== 'string' || typeof run['orders'] !== 'string') return undefined;
    for (const line of run['orders'].split('\n')) {
      const [orderKey = ''] = line.split(' ');
      states.push([`${saleId}.${productId}.${orderKey}`, run['state']]);
    }
  }
  return { productId, version, part, parts, image, states };
}

function isChange(run: Readonly<Record<string, unknown>> | undefined): boolean {
  return run?.['kind'] === 'changed';
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
