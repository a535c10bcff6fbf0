import {
  CANCEL_REQUESTED_TYPE,
  encodeItemEvent,
  itemName,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
  type ItemEvent,
  type ItemRef,
} from '@flux/contracts';
import { Outboxes } from '@flux/gate';
import {
  BatchProducer,
  KAFKA_SETTINGS,
  KafkaAdmin,
  type KafkaSettings,
  partitionOf,
  prefixed,
} from '@flux/kafka';
import { LedgerReader } from '@flux/ledger';
import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';

/** 6,400 orders at most. */
const ENTRIES_PER_READ = 100;
const ASK_EVERY_MS = 50;

export interface Drain {
  /** False: something foreign lies in the outbox's place, and nothing can be read of it. */
  readonly isReadable: boolean;
  /** How long to wait for the orders processes before the work is left to a later call. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

/** Entries that went to Kafka, and those that nobody can read or apply. */
export interface DrainFigures {
  readonly relayed: number;
  readonly unreadable: number;
}

export type DrainOutcome = DrainFigures &
  /** All that the outbox holds is in the ledger, and all that Kafka has before this offset. */
  (
    | { readonly outcome: 'drained'; readonly endOffset: bigint }
    /** The orders processes have still to come that far. */
    | { readonly outcome: 'waiting'; readonly behind: bigint }
  );

/** Where the item's partition ended when the last of its entries had been sent. */
interface Wait extends DrainFigures {
  readonly partition: number;
  readonly endOffset: bigint;
}

/**
 * Brings a closed item's outbox into the ledger: sends to Kafka what the ledger lacks, and waits until the orders
 * processes have applied all that was there then. What Kafka has lost meanwhile is sent again. An entry that a relay
 * has sent too is a duplicate, which changes nothing.
 */
@Injectable()
export class OutboxDrain {
  /** What was waited for when patience ran out, so that a busy partition's end does not run away. */
  private readonly waits = new Map<string, Wait>();
  private readonly topic: string;
  private readonly groupId: string;

  constructor(
    private readonly outboxes: Outboxes,
    private readonly reader: LedgerReader,
    private readonly kafka: KafkaAdmin,
    private readonly producer: BatchProducer,
    @Inject(KAFKA_SETTINGS) settings: KafkaSettings,
  ) {
    this.topic = prefixed(settings, ORDERS_ACCEPTED_TOPIC);
    this.groupId = prefixed(settings, ORDERS_CONSUMER_GROUP);
  }

  /**
   * @param onSent called once the outbox's entries are in Kafka, before the wait
   * @throws where Redis, PostgreSQL or Kafka cannot be asked; the next call goes on
   */
  async drain(
    item: ItemRef,
    drain: Drain,
    onSent: (figures: DrainFigures) => Promise<void>,
  ): Promise<DrainOutcome> {
    const name = itemName(item);
    const deadline = performance.now() + drain.patienceMs;
    let wait = this.waits.get(name) ?? (await this.send(item, drain, NOTHING));
    for (;;) {
      this.waits.set(name, wait);
      await onSent(figuresOf(wait));
      const behind = await this.behindAt(wait, deadline, drain.signal);
      if (behind > 0n) return { ...figuresOf(wait), outcome: 'waiting', behind };
      // After the offset: what it has passed is in the ledger by the time of this read.
      const next = await this.send(item, drain, wait);
      if (next.relayed === wait.relayed) {
        this.waits.delete(name);
        return { ...figuresOf(next), outcome: 'drained', endOffset: wait.endOffset };
      }
      wait = next;
      if (performance.now() >= deadline) {
        this.waits.set(name, wait);
        return { ...figuresOf(wait), outcome: 'waiting', behind: 0n };
      }
    }
  }

  /** Sends what the ledger lacks of the outbox, then notes where the partition ends. */
  private async send(item: ItemRef, { isReadable, signal }: Drain, before: DrainFigures): Promise<Wait> {
    const partition = partitionOf(item.productId, await this.kafka.partitions(this.topic));
    let { relayed } = before;
    let unreadable = 0;
    let after = '0-0';
    while (isReadable) {
      signal.throwIfAborted();
      const entries = await this.outboxes.read(item, { after, count: ENTRIES_PER_READ });
      after = entries.at(-1)?.id ?? after;
      const events = entries.flatMap((entry) => (entry.outcome === 'event' ? [entry.event] : []));
      const missing = await this.reader.missingEvents(item, events);
      // What was sent before and met no order meets none now: the order itself is lost.
      const { applicable, orphans } =
        before === NOTHING ? everyOne(missing) : await this.withoutOrphans(missing);
      await this.publish(partition, applicable);
      relayed += applicable.length;
      unreadable += entries.length - events.length + orphans;
      if (entries.length < ENTRIES_PER_READ) break;
    }
    const endOffset = (await this.kafka.endOffsets(this.topic)).get(partition);
    if (endOffset === undefined) throw new Error(`the topic ${this.topic} is not there`);
    return { partition, endOffset, relayed, unreadable };
  }

  private async withoutOrphans(
    missing: readonly ItemEvent[],
  ): Promise<{ readonly applicable: readonly ItemEvent[]; readonly orphans: number }> {
    const wishes = missing.flatMap((event) => (event.type === CANCEL_REQUESTED_TYPE ? [event.orderId] : []));
    const known = await this.reader.knownOrders(wishes);
    const applicable = missing.filter(
      (event) => event.type !== CANCEL_REQUESTED_TYPE || known.has(event.orderId),
    );
    return { applicable, orphans: missing.length - applicable.length };
  }

  private async publish(partition: number, events: readonly ItemEvent[]): Promise<void> {
    if (events.length === 0) return;
    const messages = events.map(encodeItemEvent);
    const sent = await this.producer.send({ topic: this.topic, partition, messages });
    if (sent.outcome === 'failed') throw new Error(`the outbox was not relayed: ${sent.reason}`);
  }

  /** How many messages the group has still to commit, once that is none or patience has run out. */
  private async behindAt(
    { partition, endOffset }: Wait,
    deadline: number,
    signal: AbortSignal,
  ): Promise<bigint> {
    for (;;) {
      signal.throwIfAborted();
      const committed = (await this.kafka.committedOffsets(this.groupId, this.topic)).get(partition) ?? 0n;
      const behind = endOffset - committed;
      if (behind <= 0n || performance.now() >= deadline) return behind;
      await pause(ASK_EVERY_MS);
    }
  }
}

const NOTHING: DrainFigures = { relayed: 0, unreadable: 0 };

function figuresOf({ relayed, unreadable }: DrainFigures): DrainFigures {
  return { relayed, unreadable };
}

function everyOne(applicable: readonly ItemEvent[]) {
  return { applicable, orphans: 0 };
}
