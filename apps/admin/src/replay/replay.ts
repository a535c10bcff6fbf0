import {
  decodeLedgerEvent,
  LEDGER_EVENTS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
  type LedgerEvent,
} from '@flux/contracts';
import {
  groupOffsets,
  prefixed,
  readSpans,
  topicSpans,
  type KafkaMessage,
  type KafkaSettings,
  type TopicSpan,
} from '@flux/kafka';
import { LedgerReplay, type LedgerReplayed } from '@flux/ledger';
import type { Kafka } from 'kafkajs';
import type { DataSource } from 'typeorm';
import { AcceptedOrders, type AcceptedReplayed } from './accepted-orders';

export interface ReplayTools {
  readonly kafka: Kafka;
  readonly settings: Pick<KafkaSettings, 'FLUX_TOPIC_PREFIX'>;
  /** Connected and migrated. */
  readonly dataSource: DataSource;
  readonly dryRun: boolean;
  /** Hears now and then how far the reading of a topic has come. */
  readonly progress: (step: ReplayProgress) => void;
}

export interface ReplayProgress {
  readonly topic: string;
  readonly read: bigint;
  readonly of: bigint;
}

export interface ReplayReport {
  readonly ledger: LedgerReplayed & {
    readonly messages: number;
    readonly unreadable: number;
    readonly ms: number;
  };
  readonly accepted: AcceptedReplayed & {
    readonly ms: number;
    /** Partitions whose first messages Kafka has deleted, by age. */
    readonly cut: readonly number[];
  };
  /** Items whose counters are not the sum of their orders. */
  readonly unbalanced: readonly string[];
}

/**
 * Brings a database forward that was restored from an older backup, or is empty: first what the lost one had committed
 * and published, item by item; then the orders that were accepted and of which that says nothing. Into the live database
 * it changes nothing. Again, or after it was cut off, it goes on where it stopped.
 * @throws where a server cannot be asked
 */
export async function replay(tools: ReplayTools): Promise<ReplayReport> {
  const { settings, kafka, dataSource } = tools;
  const ledgerTopic = prefixed(settings, LEDGER_EVENTS_TOPIC);
  const acceptedTopic = prefixed(settings, ORDERS_ACCEPTED_TOPIC);
  // Before the ledger's events: what a process consumes from here on it also commits to this database.
  const accepted = await consumedSpans(kafka, {
    topic: acceptedTopic,
    groupId: prefixed(settings, ORDERS_CONSUMER_GROUP),
  });

  const ledgerStartedAt = performance.now();
  const ledger = new LedgerReplay(dataSource, tools);
  const counts = { messages: 0, unreadable: 0 };
  await readWhole(tools, ledgerTopic, await topicSpans(kafka, ledgerTopic), async (messages) => {
    const events = messages.map(eventOf);
    counts.messages += events.length;
    counts.unreadable += events.filter((event) => event === undefined).length;
    await ledger.take(events.filter((event) => event !== undefined));
  });
  const ledgerMs = performance.now() - ledgerStartedAt;

  const acceptedStartedAt = performance.now();
  const orders = new AcceptedOrders(dataSource, { dryRun: tools.dryRun, newOrders: ledger.newOrders });
  await readWhole(tools, acceptedTopic, accepted, (messages) => orders.take(messages));
  return {
    ledger: { ...ledger.result, ...counts, ms: ledgerMs },
    accepted: {
      ...orders.result,
      ms: performance.now() - acceptedStartedAt,
      cut: accepted.filter(({ from }) => from > 0n).map(({ partition }) => partition),
    },
    unbalanced: tools.dryRun ? [] : await unbalancedItems(dataSource),
  };
}

/** From the first message that is left to what the orders processes have committed; all where they never did. */
async function consumedSpans(
  kafka: Kafka,
  { topic, groupId }: { readonly topic: string; readonly groupId: string },
): Promise<readonly TopicSpan[]> {
  const spans = await topicSpans(kafka, topic);
  const committed =
    spans.length === 0 ? new Map<number, bigint>() : await groupOffsets(kafka, groupId, topic);
  return spans.map((span) => {
    const offset = committed.get(span.partition);
    return offset === undefined || offset > span.to ? span : { ...span, to: offset };
  });
}

/** Between two lines of progress. */
const PROGRESS_MS = 1_000;

async function readWhole(
  { kafka, progress }: ReplayTools,
  topic: string,
  spans: readonly TopicSpan[],
  take: (messages: readonly KafkaMessage[]) => Promise<void>,
): Promise<void> {
  const of = spans.reduce((sum, { from, to }) => (to > from ? sum + to - from : sum), 0n);
  let read = 0n;
  let saidAt = performance.now();
  await readSpans({
    kafka,
    topic,
    spans,
    take: async (messages) => {
      await take(messages);
      read += BigInt(messages.length);
      if (performance.now() - saidAt < PROGRESS_MS) return;
      saidAt = performance.now();
      progress({ topic, read, of });
    },
  });
}

function eventOf({ key, value }: KafkaMessage): LedgerEvent | undefined {
  const decoded = value === undefined ? undefined : decodeLedgerEvent(value.toString('utf8'));
  return decoded?.outcome === 'event' && decoded.event.productId === key ? decoded.event : undefined;
}

/** A last look, in one moment: writers of a release that knows nothing of the ledger's events leave such items behind. */
async function unbalancedItems(dataSource: DataSource): Promise<readonly string[]> {
  const rows: { readonly name: string }[] = await dataSource.query(
    `SELECT sale_id || '.' || product_id AS name
     FROM ledger LEFT JOIN (
       SELECT sale_id, product_id,
              sum(quantity) FILTER (WHERE state = 'confirmed') AS held,
              sum(quantity) FILTER (WHERE state = 'paid') AS sold,
              sum(booked) FILTER (WHERE state = 'parked') AS parked
       FROM orders GROUP BY sale_id, product_id
     ) AS ofOrders USING (sale_id, product_id)
     WHERE (ledger.held, ledger.sold, ledger.parked) IS DISTINCT FROM
           (coalesce(ofOrders.held, 0), coalesce(ofOrders.sold, 0), coalesce(ofOrders.parked, 0))
     ORDER BY name`,
  );
  return rows.map(({ name }) => name);
}
