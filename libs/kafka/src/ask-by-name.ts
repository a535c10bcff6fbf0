import { KafkaJSProtocolError, type Admin, type ITopicMetadata } from 'kafkajs';

/*
 * An admin of kafkajs that knows no topic asks for all that the cluster has, and fails while any of them has no leader:
 * somebody else's only copy, on a broker that is down. So nobody here calls `listTopics` or `describeCluster`, which
 * always ask for all; and what looks for a broker first (`createTopics`, `describeConfigs`, `fetchOffsets`,
 * `deleteGroups`) is called after `aimAt`. `fetchTopicMetadata` and `fetchTopicOffsets` name their topic themselves.
 */

/**
 * From now on the admin asks for this topic wherever it would ask for all.
 * @throws where there is no such topic, or a partition's leader cannot be asked
 */
export async function aimAt(admin: Admin, topic: string): Promise<void> {
  // kafkajs remembers the topics of this question, and of no cheaper one.
  await admin.fetchTopicOffsets(topic);
}

/**
 * The topic, or undefined where there is none; an admin's question makes no topic.
 * @throws while a partition has no leader
 */
export async function findTopic(admin: Admin, topic: string): Promise<ITopicMetadata | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics.find(({ name }) => name === topic);
  } catch (error) {
    if (error instanceof KafkaJSProtocolError && error.type === 'UNKNOWN_TOPIC_OR_PARTITION')
      return undefined;
    throw error;
  }
}
