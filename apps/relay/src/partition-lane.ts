import { backoffMs, pauseUnlessAborted } from '@flux/background';
import { itemName, ordersOf, type ItemRef } from '@flux/contracts';
import type { OutboxEntry } from '@flux/gate';
import type { BatchProducer } from '@flux/kafka';
import { type Log, RepeatedWarning } from '@flux/telemetry';
import { encodeEntry } from './encode-entry';
import { OutboxCursor, type CursorOptions } from './outbox-cursor';
import type { RelayMetrics } from './relay.metrics';

/** Outboxes that are read for one send: 110 MB where all are full of the largest entries. */
const CURSORS_PER_TURN = 8;
const RETRY = { firstMs: 100, maxMs: 5_000 };

export interface LaneOptions extends CursorOptions {
  readonly producer: BatchProducer;
  /** With `FLUX_TOPIC_PREFIX`. */
  readonly topic: string;
  readonly partition: number;
  readonly metrics: RelayMetrics;
  readonly log: Log;
}

interface ReadEntry {
  readonly cursor: OutboxCursor;
  readonly entry: OutboxEntry;
}

/**
 * Carries the outboxes of all items of one partition to Kafka, each in its order: reads what is new, sends it, and
 * moves the positions when all in-sync replicas have acknowledged it. One send is in flight. Whatever fails is read
 * and sent again, for ever: an entry can arrive twice, and none is skipped.
 */
export class PartitionLane {
  private readonly cursors = new Map<string, OutboxCursor>();
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  /** Items with a foreign entry: one line each in the log. */
  private readonly reported = new Set<string>();
  private readonly warning: RepeatedWarning;
  private failures = 0;

  constructor(private readonly options: LaneOptions) {
    this.warning = new RepeatedWarning(options.log, 'not relayed, tries again');
    this.running = this.run();
  }

  /** Makes these the lane's items: new ones are begun, missing ones are let go. */
  assign(items: readonly ItemRef[]): void {
    const names = new Map(items.map((item) => [itemName(item), item]));
    for (const [name, item] of names) {
      if (!this.cursors.has(name)) this.cursors.set(name, new OutboxCursor(item, this.options));
    }
    for (const name of this.cursors.keys()) {
      if (!names.has(name)) this.cursors.delete(name);
    }
  }

  /** The outboxes that this lane may read now. */
  leased(): readonly ItemRef[] {
    return [...this.cursors.values()].filter((cursor) => cursor.isLeased()).map(({ item }) => item);
  }

  /** Redis was connected anew: no lease and no position is trusted before it is renewed. */
  distrust(): void {
    for (const cursor of this.cursors.values()) cursor.distrust();
  }

  /** Waits for the send in flight, stores the positions and gives up the leases. Never rejects. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await Promise.all(
      [...this.cursors.values()].map((cursor) =>
        cursor.giveUp().catch((error: unknown) => {
          // It runs out by itself; its next owner repeats what was sent since it was renewed.
          this.fail('redis', error);
        }),
      ),
    );
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const pauseMs = await this.turn();
      if (pauseMs > 0) await pauseUnlessAborted(pauseMs, signal);
    }
  }

  /** @returns how long to pause after it */
  private async turn(): Promise<number> {
    const now = performance.now();
    const due = [...this.cursors.values()].filter((cursor) => cursor.isDue(now)).slice(0, CURSORS_PER_TURN);
    const entries = (await Promise.all(due.map((cursor) => this.read(cursor)))).flat();
    for (const cursor of due) this.moveToEnd(cursor);
    if (entries.length > 0 && !(await this.send(entries))) return backoffMs(this.failures, RETRY);
    return due.length > 0 && this.isAnyDue() ? 0 : this.options.lingerMs;
  }

  private isAnyDue(): boolean {
    const now = performance.now();
    return [...this.cursors.values()].some((cursor) => cursor.isDue(now));
  }

  /** The others come first in the next turn. */
  private moveToEnd(cursor: OutboxCursor): void {
    const name = itemName(cursor.item);
    if (this.cursors.delete(name)) this.cursors.set(name, cursor);
  }

  private async read(cursor: OutboxCursor): Promise<readonly ReadEntry[]> {
    try {
      const entries = await cursor.read();
      return entries.map((entry) => ({ cursor, entry }));
    } catch (error) {
      cursor.distrust();
      cursor.postpone(backoffMs(3, RETRY));
      this.fail('redis', error);
      return [];
    }
  }

  private async send(entries: readonly ReadEntry[]): Promise<boolean> {
    const { producer, topic, partition, metrics } = this.options;
    // A read can have taken so long that another relay has the outbox by now.
    const ours = entries.filter(({ cursor }) => cursor.isLeased());
    if (ours.length === 0) return true;
    const startedAt = performance.now();
    const messages = ours.map(({ cursor, entry }) => encodeEntry(cursor.item, entry));
    const result = await producer.send({ topic, partition, messages });
    const acked = result.outcome === 'acked' ? ours : ours.slice(0, result.acked);
    this.acknowledge(acked);
    metrics.sent({
      entries: acked.length,
      orders: acked.reduce((sum, { entry }) => sum + ordersIn(entry), 0),
      durationMs: performance.now() - startedAt,
    });
    if (result.outcome === 'acked') {
      this.failures = 0;
      return true;
    }
    this.failures += 1;
    this.fail('kafka', result.reason);
    return false;
  }

  private acknowledge(acked: readonly ReadEntry[]): void {
    for (const { cursor, entry } of acked) {
      cursor.acknowledge(entry.id);
      if (entry.outcome === 'unreadable') this.reportForeign(cursor.item, entry);
    }
  }

  private reportForeign(
    item: ItemRef,
    { id, reason }: { readonly id: string; readonly reason: string },
  ): void {
    this.options.metrics.foreignEntry();
    const name = itemName(item);
    if (this.reported.has(name)) return;
    this.reported.add(name);
    this.options.log.error(
      { ...item, entry: id, reason },
      'an outbox has entries that the gate did not write',
    );
  }

  private fail(server: 'redis' | 'kafka', error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.options.metrics.failed(server);
    this.warning.warn({ server, reason }, { partition: this.options.partition });
  }
}

function ordersIn(entry: OutboxEntry): number {
  return entry.outcome === 'event' ? ordersOf(entry.event).length : 0;
}
