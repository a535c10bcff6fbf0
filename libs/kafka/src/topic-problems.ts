import type { KafkaSettings } from './settings';

/** What matters of a topic as the broker reports it, defaults included. */
export interface TopicFacts {
  readonly topic: string;
  readonly partitions: number;
  /** Copies, in the partition that has the fewest. */
  readonly replicas: number;
  readonly config: Readonly<Record<string, string>>;
}

type TopicRules = Pick<
  KafkaSettings,
  | 'FLUX_KAFKA_REPLICATION'
  | 'FLUX_KAFKA_PARTITIONS'
  | 'FLUX_WAIVE_KAFKA_MIN_ISR'
  | 'FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION'
  | 'FLUX_WAIVE_KAFKA_REPLICATION'
>;

/** Kafka's word for no limit. */
export const FOR_EVER = -1;

/** Replicas that must have a message before it counts as sent. */
export function minInSyncReplicas({ FLUX_KAFKA_REPLICATION }: Pick<TopicRules, 'FLUX_KAFKA_REPLICATION'>) {
  return Math.min(2, FLUX_KAFKA_REPLICATION);
}

/**
 * Everything that is unsafe about an existing topic, each with the setting at fault and how to waive it. More
 * partitions than asked for are fine.
 */
export function topicProblems(
  { topic, partitions, replicas, config }: TopicFacts,
  rules: TopicRules,
): string[] {
  const problems: string[] = [];
  const minIsr = Number(config['min.insync.replicas']);
  const needed = minInSyncReplicas(rules);
  if (!(minIsr >= needed) && !rules.FLUX_WAIVE_KAFKA_MIN_ISR) {
    problems.push(
      `topic ${topic}: min.insync.replicas is ${minIsr}, below ${needed}; raise it, or waive it with FLUX_WAIVE_KAFKA_MIN_ISR=1`,
    );
  }
  if (config['unclean.leader.election.enable'] !== 'false' && !rules.FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION) {
    problems.push(
      `topic ${topic}: unclean.leader.election.enable is on; turn it off, or waive it with FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION=1`,
    );
  }
  if (!(replicas >= needed) && !rules.FLUX_WAIVE_KAFKA_REPLICATION) {
    problems.push(
      `topic ${topic}: has ${replicas} replicas, below ${needed}; add some, or waive it with FLUX_WAIVE_KAFKA_REPLICATION=1`,
    );
  }
  if (partitions < rules.FLUX_KAFKA_PARTITIONS) {
    problems.push(
      `topic ${topic}: has ${partitions} partitions, below FLUX_KAFKA_PARTITIONS=${rules.FLUX_KAFKA_PARTITIONS}; add partitions while no item is open, or lower the setting`,
    );
  }
  return problems;
}

/** Everything because of which a topic may lose messages that it should keep for ever. */
export function retentionProblems(
  { topic, config }: Pick<TopicFacts, 'topic' | 'config'>,
  { FLUX_WAIVE_KAFKA_RETENTION }: Pick<KafkaSettings, 'FLUX_WAIVE_KAFKA_RETENTION'>,
): string[] {
  if (FLUX_WAIVE_KAFKA_RETENTION) return [];
  const wanted = {
    'cleanup.policy': 'delete',
    'retention.ms': String(FOR_EVER),
    'retention.bytes': String(FOR_EVER),
  };
  return Object.entries(wanted)
    .filter(([name, value]) => config[name] !== value)
    .map(
      ([name, value]) =>
        `topic ${topic}: ${name} is ${config[name] ?? 'not known'}, and a database is rebuilt from all of its ` +
        `messages; set it to ${value}, or waive it with FLUX_WAIVE_KAFKA_RETENTION=1`,
    );
}

/** Where the brokers keep what the consumer groups have committed. */
export const OFFSETS_TOPIC = '__consumer_offsets';

/**
 * What is unsafe about the topic of committed offsets, which the brokers make by their own settings at the first
 * consumer. With its only copy they are gone: each group would begin at the oldest message again.
 */
export function offsetsProblems(
  replicas: number,
  rules: Pick<KafkaSettings, 'FLUX_KAFKA_REPLICATION' | 'FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION'>,
): string[] {
  const needed = minInSyncReplicas(rules);
  if (replicas >= needed || rules.FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION) return [];
  return [
    `topic ${OFFSETS_TOPIC}: has ${replicas} replicas (offsets.topic.replication.factor), below ${needed}; add some, or waive it with FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION=1`,
  ];
}
