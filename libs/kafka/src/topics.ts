import { backoffMs, pauseUnlessAborted } from '@flux/background';
import { ConfigResourceTypes, type Admin, type Kafka } from 'kafkajs';
import { describeError } from './kafka-error';
import { silentLog, type KafkaLog } from './kafka-log';
import { prefixed, type KafkaSettings } from './settings';
import { minInSyncReplicas, topicProblems, type TopicFacts } from './topic-problems';

/** An order is in PostgreSQL long before; a week leaves time to look at what happened. */
const RETENTION_MS = 7 * 24 * 60 * 60 * 1_000;
const RECONNECT = { firstMs: 200, maxMs: 5_000 };
const CHECKED_CONFIG = ['min.insync.replicas', 'unclean.leader.election.enable'];

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
  { settings, topics }: EnsureTopicsOptions,
): Promise<ReadonlyMap<string, number>> {
  const names = new Map(topics.map((topic) => [prefixed(settings, topic), topic]));
  const existing = new Set(await admin.listTopics());
  const missing = [...names.keys()].filter((name) => !existing.has(name));
  if (missing.length > 0) await create(admin, missing, settings);

  const facts = await readFacts(admin, [...names.keys()]);
  const problems = facts.flatMap((fact) => topicProblems(fact, settings));
  if (problems.length > 0) throw new UnsafeTopicError(problems);
  return new Map(facts.map(({ topic, partitions }) => [names.get(topic) ?? topic, partitions]));
}

async function create(admin: Admin, names: readonly string[], settings: KafkaSettings): Promise<void> {
  const config = {
    'cleanup.policy': 'delete',
    'min.insync.replicas': String(minInSyncReplicas(settings)),
    'retention.ms': String(RETENTION_MS),
    'unclean.leader.election.enable': 'false',
  };
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  // Answers false where another process was faster; both ask for the same.
  await admin.createTopics({
    topics: names.map((topic) => ({
      topic,
      numPartitions: settings.FLUX_KAFKA_PARTITIONS,
      replicationFactor: settings.FLUX_KAFKA_REPLICATION,
      configEntries,
    })),
    waitForLeaders: true,
  });
}

async function readFacts(admin: Admin, names: string[]): Promise<TopicFacts[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({
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
      config: Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
    };
  });
}
