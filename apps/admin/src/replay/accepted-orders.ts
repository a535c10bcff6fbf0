import { decodeItemEvent, ordersOf, type ItemEvent } from '@flux/contracts';
import type { KafkaMessage } from '@flux/kafka';
import {
  BatchTransaction,
  classifyFailure,
  describeFailure,
  LedgerReader,
  Parking,
  type ItemResult,
  type PlacedEvent,
} from '@flux/ledger';
import type { DataSource } from 'typeorm';

/** What a replay made of the topic of accepted orders. */
export interface AcceptedReplayed {
  messages: number;
  confirmed: number;
  rejected: number;
  cancelled: number;
  /** Messages that are parked: an operator decides about them. */
  parked: number;
  /** Of those, messages whose body was brought back, or that were put aside anew. */
  broughtBack: number;
  /** Messages that the ledger refuses, by reason. */
  readonly refused: Map<string, number>;
}

interface ParkedRow {
  readonly message_offset: string;
}

/**
 * Applies accepted orders, and wishes to cancel, as the orders processes do: at their own offsets, so that what is known
 * changes nothing and what came too late for its epoch still does.
 */
export class AcceptedOrders {
  readonly result: AcceptedReplayed = {
    ...{ messages: 0, confirmed: 0, rejected: 0, cancelled: 0, parked: 0, broughtBack: 0 },
    refused: new Map(),
  };
  private readonly batches: BatchTransaction;
  private readonly parking: Parking;
  private readonly reader: LedgerReader;

  constructor(
    private readonly dataSource: DataSource,
    /** `newOrders`: what a dry run would have written before. */
    private readonly options: { readonly dryRun: boolean; readonly newOrders: ReadonlySet<string> },
  ) {
    this.batches = new BatchTransaction(dataSource);
    this.parking = new Parking(dataSource);
    this.reader = new LedgerReader(dataSource);
  }

  /**
   * Takes messages of one partition in the order of their offsets.
   * @throws where PostgreSQL fails
   */
  async take(messages: readonly KafkaMessage[]): Promise<void> {
    this.result.messages += messages.length;
    const parked = await this.parkedAmong(messages);
    const events: PlacedEvent[] = [];
    for (const message of messages) {
      if (parked.has(message.offset)) {
        await this.bringBack(message);
        continue;
      }
      const decoded = decode(message);
      if (decoded.outcome === 'event') events.push({ event: decoded.event, offset: message.offset });
      else await this.park(message, decoded.reason);
    }
    if (this.options.dryRun) await this.count(events);
    else await this.apply(events);
  }

  private async apply(events: readonly PlacedEvent[]): Promise<void> {
    if (events.length === 0) return;
    const reason = await this.tryApply(events);
    if (reason === undefined) return;
    if (events.length === 1) {
      this.refuse(reason);
      return;
    }
    // Halved until the culprit is alone, as the consumer does.
    const half = Math.ceil(events.length / 2);
    await this.apply(events.slice(0, half));
    await this.apply(events.slice(half));
  }

  /** @returns why nothing was applied; undefined where all was */
  private async tryApply(events: readonly PlacedEvent[]): Promise<string | undefined> {
    try {
      const applied = await this.batches.apply(events);
      if (applied.outcome === 'refused') return applied.reason;
      for (const item of applied.items) this.add(item);
      return undefined;
    } catch (error) {
      if (classifyFailure(error) === 'transient') throw error;
      return describeFailure(error);
    }
  }

  private add({ counts }: ItemResult): void {
    this.result.confirmed += counts.confirmedAcceptedAtMs.length;
    this.result.rejected += Object.values(counts.rejected).reduce((sum, count) => sum + count, 0);
    this.result.cancelled += counts.cancelled;
  }

  private refuse(reason: string): void {
    this.result.refused.set(reason, (this.result.refused.get(reason) ?? 0) + 1);
  }

  /** A dry run only counts orders without a row as confirmed: what becomes of them is decided when they are applied. */
  private async count(events: readonly PlacedEvent[]): Promise<void> {
    const orderIds = events.flatMap(({ event }) => ordersOf(event).map(({ orderId }) => orderId));
    const known = await this.reader.knownOrders(orderIds);
    const missing = orderIds.filter((id) => !known.has(id) && !this.options.newOrders.has(id));
    this.result.confirmed += new Set(missing).size;
  }

  private async parkedAmong(messages: readonly KafkaMessage[]): Promise<ReadonlySet<bigint>> {
    const [first] = messages;
    if (first === undefined) return new Set();
    const rows: ParkedRow[] = await this.dataSource.query(
      `SELECT message_offset FROM parked_messages
       WHERE topic = $1 AND partition = $2 AND message_offset = ANY ($3::bigint[])`,
      [first.topic, first.partition, messages.map(({ offset }) => String(offset))],
    );
    return new Set(rows.map(({ message_offset }) => BigInt(message_offset)));
  }

  /** The ledger's events bring rows of parked messages back without what is in the message. */
  private async bringBack({ topic, partition, offset, key, value, headers }: KafkaMessage): Promise<void> {
    this.result.parked += 1;
    if (this.options.dryRun) return;
    const [, affected]: [unknown, number] = await this.dataSource.query(
      `UPDATE parked_messages SET key = $4, value = $5, headers = $6
       WHERE topic = $1 AND partition = $2 AND message_offset = $3
         AND state = 'parked' AND key IS NULL AND value IS NULL AND headers = '{}'
         AND ($4::bytea IS NOT NULL OR $5::bytea IS NOT NULL OR $6::jsonb <> '{}')`,
      [
        topic,
        partition,
        String(offset),
        key === undefined ? null : Buffer.from(key),
        value ?? null,
        JSON.stringify(headers).replaceAll('\\u0000', '\uFFFD'),
      ],
    );
    this.result.broughtBack += affected;
  }

  /** It was parked in the lost database too, where its row was not published any more. */
  private async park(message: KafkaMessage, reason: string): Promise<void> {
    this.result.parked += 1;
    if (this.options.dryRun) return;
    await this.parking.park(message, reason);
    this.result.broughtBack += 1;
  }
}

type Decoded =
  | { readonly outcome: 'event'; readonly event: ItemEvent }
  | { readonly outcome: 'unreadable'; readonly reason: string };

function decode({ key, value }: KafkaMessage): Decoded {
  if (value === undefined) return { outcome: 'unreadable', reason: 'there is no body' };
  const decoded = decodeItemEvent(value.toString('utf8'));
  if (decoded.outcome === 'event' && key !== decoded.event.productId) {
    return { outcome: 'unreadable', reason: 'the key is not the product id' };
  }
  return decoded;
}
