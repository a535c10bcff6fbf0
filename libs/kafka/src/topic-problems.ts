import type { KafkaSettings } from './settings';

/** What matters of a topic as the broker reports it, defaults included. */
export interface TopicFacts {
  readonly topic: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

type TopicRules = Pick<
  KafkaSettings,
  | 'FLUX_KAFKA_REPLICATION'
  | 'FLUX_KAFKA_PARTITIONS'
  | 'FLUX_WAIVE_KAFKA_MIN_ISR'
  | 'FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION'
>;

/** Replicas that must have a message before it counts as sent. */
export function minInSyncReplicas({ FLUX_KAFKA_REPLICATION }: Pick<TopicRules, 'FLUX_KAFKA_REPLICATION'>) {
  return Math.min(2, FLUX_KAFKA_REPLICATION);
}

/**
 * Everything that is unsafe about an existing topic, each with the setting at fault and how to waive it. More
 * partitions than asked for are fine.
 */
export function topicProblems({ topic, partitions, config }: TopicFacts, rules: TopicRules): string[] {
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
  if (partitions < rules.FLUX_KAFKA_PARTITIONS) {
    problems.push(
      `topic ${topic}: has ${partitions} partitions, below FLUX_KAFKA_PARTITIONS=${rules.FLUX_KAFKA_PARTITIONS}; add partitions while no item is open, or lower the setting`,
    );
  }
  return problems;
}
