import {
  encodeItemEvent,
  itemName,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
  type ItemRef,
} from '@flux/contracts';
import { Outboxes, type OutboxEntry } from '@flux/gate';
import {
  BatchProducer,
  KafkaAdmin,
  KAFKA_SETTINGS,
  partitionOf,
  prefixed,
  type KafkaSettings,
} from '@flux/kafka';
import { LedgerReader } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { compareEntryIds } from './entry-id';
import { OrdersMetrics } from './orders.metrics';

/** Entries of one item that one round looks at: 6,400 orders at most. */
const ENTRIES_PER_ROUND = 100;

type Event = Extract<OutboxEntry, { readonly outcome: 'event' }>;

/** Entries that the ledger lacked, and the offset at which it must have seen whatever Kafka has of them. */
interface Suspicion {
  readonly upTo: string;
  readonly partition: number;
  readonly endOffset: bigint;
}

/**
 * Sends again what Kafka has acknowledged to a relay and lost. An entry that the ledger lacks is first only suspected:
 * its message may be anywhere before the partition's end. When the group has committed up to the end noted then and
 * the ledger still lacks the entry, it is sent again, and suspected anew up to the new end. So a backlog is never
 * multiplied, and each loss is sent once.
 *
 * One instance in one process at a time: what it remembers would make two of them send twice.
 */
@Injectable()
export class LostSendsService {
  private readonly suspicions = new Map<string, Suspicion>();
  private readonly topic: string;
  private readonly groupId: string;

  constructor(
    private readonly outboxes: Outboxes,
    private readonly reader: LedgerReader,
    private readonly kafka: KafkaAdmin,
    private readonly producer: BatchProducer,
    private readonly metrics: OrdersMetrics,
    @Inject(LOG) private readonly log: Log,
    @Inject(KAFKA_SETTINGS) settings: KafkaSettings,
  ) {
    this.topic = prefixed(settings, ORDERS_ACCEPTED_TOPIC);
    this.groupId = prefixed(settings, ORDERS_CONSUMER_GROUP);
  }

  /** Forgets what was suspected: another process may have sent it meanwhile. */
  forget(): void {
    this.suspicions.clear();
  }

  /**
   * One look at an item's outbox.
   * @param ageMs entries younger than this are left alone
   * @throws where the gate, the ledger or Kafka cannot be asked
   */
  async look(item: ItemRef, ageMs: number): Promise<void> {
    const name = itemName(item);
    const suspicion = this.suspicions.get(name);
    if (suspicion === undefined) {
      await this.suspect(name, await this.lacking(item, await this.agedEntries(item, ageMs)));
      return;
    }
    // The offset before the ledger: what it has passed has been committed to the ledger by the time of the read.
    const committed = await this.kafka.committedOffsets(this.groupId, this.topic);
    if ((committed.get(suspicion.partition) ?? 0n) < suspicion.endOffset) return;
    this.suspicions.delete(name);
    const entries = await this.entriesUpTo(item, suspicion.upTo);
    const lost = await this.lacking(item, entries);
    if (lost.length === 0) return;
    await this.sendAgain(suspicion.partition, lost);
    await this.suspect(name, lost);
  }

  private async suspect(name: string, lacking: readonly Event[]): Promise<void> {
    const last = lacking.at(-1);
    if (last === undefined) return;
    const partition = partitionOf(last.event.productId, await this.kafka.partitions(this.topic));
    const endOffset = (await this.kafka.endOffsets(this.topic)).get(partition);
    if (endOffset === undefined) throw new Error(`the topic ${this.topic} is not there`);
    this.suspicions.set(name, { upTo: last.id, partition, endOffset });
  }

  /** The oldest entries that a relay has sent and that are old enough; the others are still the relay's. */
  private async agedEntries(item: ItemRef, ageMs: number): Promise<readonly Event[]> {
    const { position, nowMs } = await this.outboxes.progress(item);
    const entries = await this.entriesUpTo(item, position);
    return entries.filter(({ event }) => event.acceptedAtMs <= nowMs - ageMs);
  }

  private async entriesUpTo(item: ItemRef, id: string): Promise<readonly Event[]> {
    const entries = await this.outboxes.read(item, { after: '0-0', count: ENTRIES_PER_ROUND });
    return entries.filter(
      (entry): entry is Event => entry.outcome === 'event' && compareEntryIds(entry.id, id) <= 0,
    );
  }

  /** Those of which the ledger lacks something. */
  private async lacking(item: ItemRef, entries: readonly Event[]): Promise<readonly Event[]> {
    const missing = await this.reader.missingEvents(
      item,
      entries.map(({ event }) => event),
    );
    const lacked = new Set(missing);
    return entries.filter(({ event }) => lacked.has(event));
  }

  private async sendAgain(partition: number, lost: readonly Event[]): Promise<void> {
    const sent = await this.producer.send({
      topic: this.topic,
      partition,
      messages: lost.map(({ event }) => encodeItemEvent(event)),
    });
    if (sent.outcome === 'failed') throw new Error(`not sent again: ${sent.reason}`);
    this.metrics.entriesRepublished(lost.length);
    this.log.warn(
      { topic: this.topic, partition, entries: lost.length, upTo: lost.at(-1)?.id },
      'Kafka had lost outbox entries: sent again',
    );
  }
}
