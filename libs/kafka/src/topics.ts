import { backoffMs, pauseUnlessAborted } from '@flux/background';
import {
  ConfigResourceTypes,
  type Admin,
  type ITopicMetadata,
  type Kafka,
  type PartitionMetadata,
} from 'kafkajs';
import { aimAt, findTopic } from './ask-by-name';
import { describeError } from './kafka-error';
import { silentLog, type KafkaLog } from './kafka-log';
import { prefixed, type KafkaSettings } from './settings';
import {
  FOR_EVER,
  minInSyncReplicas,
  OFFSETS_TOPIC,
  offsetsProblems,
  retentionProblems,
  topicProblems,
  type TopicFacts,
} from './topic-problems';

/** An order is in PostgreSQL long before; a week leaves time to look at what happened. */
const RETENTION_MS = 7 * 24 * 60 * 60 * 1_000;
const RECONNECT = { firstMs: 200, maxMs: 5_000 };
const OFFSETS_REPLICATION = 'offsets.topic.replication.factor';
const CHECKED_CONFIG = [
  'min.insync.replicas',
  'unclean.leader.election.enable',
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
];

/** Kafka is reachable, and a topic on it can lose orders. The process must not start. */
export class UnsafeTopicError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'UnsafeTopicError';
  }
}

export interface EnsureTopicsOptions {
  readonly kafka: Kafka;
  readonly settings: KafkaSettings;
  /** Without `FLUX_TOPIC_PREFIX`. */
  readonly topics: readonly string[];
  /** Those of them that keep every message for ever. */
  readonly keptForEver?: readonly string[];
  readonly log?: KafkaLog;
  /** Ends the wait for an unreachable Kafka; the promise then rejects. */
  readonly signal?: AbortSignal;
}

/**
 * Creates the topics that are missing and checks those that exist. Any number of processes may do it at once. While
 * Kafka is unreachable, or has fewer brokers than `FLUX_KAFKA_REPLICATION`, it waits: start order must not matter.
 * @returns partitions by topic (without the prefix), as they really are
 * @throws UnsafeTopicError
 */
export async function ensureTopics(options: EnsureTopicsOptions): Promise<ReadonlyMap<string, number>> {
  const { kafka, log = silentLog, signal = new AbortController().signal } = options;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    const admin = kafka.admin();
    try {
      await admin.connect();
      return await ensureOnce(admin, options);
    } catch (error) {
      if (error instanceof UnsafeTopicError) throw error;
      log('warn', 'waits for Kafka', { reason: describeError(error), attempt });
    } finally {
      // Whatever stays open is cut with the next connection attempt.
      await admin.disconnect().catch(() => undefined);
    }
    await pauseUnlessAborted(backoffMs(attempt, RECONNECT), signal);
  }
}

async function ensureOnce(
  admin: Admin,
  { settings, topics, keptForEver = [] }: EnsureTopicsOptions,
): Promise<ReadonlyMap<string, number>> {
  const names = new Map(topics.map((topic) => [prefixed(settings, topic), topic]));
  const existing = await existingOf(admin, [...names.keys()]);
  const missing = [...names.keys()].filter((name) => !existing.includes(name));
  const kept = new Set(keptForEver.map((topic) => prefixed(settings, topic)));
  if (missing.length > 0) {
    // A cluster that has neither ours nor this one is new: there every topic must have its leader.
    const [known] = existing.length > 0 ? existing : await existingOf(admin, [OFFSETS_TOPIC]);
    if (known !== undefined) await aimAt(admin, known);
    await create(admin, missing, { settings, kept });
  }

  const { topics: found } = await admin.fetchTopicMetadata({ topics: [...names.keys()] });
  const facts = await readFacts(admin, found);
  const problems = facts.flatMap((fact) => [
    ...topicProblems(fact, settings),
    ...(kept.has(fact.topic) ? retentionProblems(fact, settings) : []),
  ]);
  if (!settings.FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION) {
    problems.push(...offsetsProblems(await offsetsReplicas(admin, found), settings));
  }
  if (problems.length > 0) throw new UnsafeTopicError(problems);
  return new Map(facts.map(({ topic, partitions }) => [names.get(topic) ?? topic, partitions]));
}

async function existingOf(admin: Admin, names: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of names) if ((await findTopic(admin, name)) !== undefined) found.push(name);
  return found;
}

async function create(
  admin: Admin,
  names: readonly string[],
  { settings, kept }: { readonly settings: KafkaSettings; readonly kept: ReadonlySet<string> },
): Promise<void> {
  const configOf = (name: string): Record<string, string> => ({
    'cleanup.policy': 'delete',
    'min.insync.replicas': String(minInSyncReplicas(settings)),
    'retention.ms': String(kept.has(name) ? FOR_EVER : RETENTION_MS),
    // Whatever the broker's default is.
    ...(kept.has(name) ? { 'retention.bytes': String(FOR_EVER) } : {}),
    'unclean.leader.election.enable': 'false',
  });
  // Answers false where another process was faster; both ask for the same.
  await admin.createTopics({
    topics: names.map((topic) => ({
      topic,
      numPartitions: settings.FLUX_KAFKA_PARTITIONS,
      replicationFactor: settings.FLUX_KAFKA_REPLICATION,
      configEntries: Object.entries(configOf(topic)).map(([name, value]) => ({ name, value })),
    })),
    waitForLeaders: true,
  });
}

async function readFacts(admin: Admin, topics: readonly ITopicMetadata[]): Promise<TopicFacts[]> {
  const [first] = topics;
  if (first !== undefined) await aimAt(admin, first.name);
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(({ name }) => ({
      type: ConfigResourceTypes.TOPIC,
      name,
      configNames: CHECKED_CONFIG,
    })),
  });
  return topics.map(({ name, partitions }) => {
    const entries = resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? [];
    return {
      topic: name,
      partitions: partitions.length,
      replicas: fewestReplicas(partitions),
      config: Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
    };
  });
}

function fewestReplicas(partitions: readonly PartitionMetadata[]): number {
  return Math.min(...partitions.map(({ replicas }) => replicas.length));
}

/** Copies of the committed offsets: those they have, or those that the brokers which hold our topics will give them. */
async function offsetsReplicas(admin: Admin, ours: readonly ITopicMetadata[]): Promise<number> {
  const offsets = await findTopic(admin, OFFSETS_TOPIC);
  if (offsets !== undefined) return fewestReplicas(offsets.partitions);
  const brokers = new Set(ours.flatMap(({ partitions }) => partitions.flatMap(({ isr }) => isr)));
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [...brokers].map((nodeId) => ({
      type: ConfigResourceTypes.BROKER,
      name: String(nodeId),
      configNames: [OFFSETS_REPLICATION],
    })),
  });
  // Any of them may be the one that makes it.
  return Math.min(...resources.map(({ configEntries }) => Number(configEntries[0]?.configValue)));
}
