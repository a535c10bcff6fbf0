import { ORDERS_ACCEPTED_TOPIC, ORDERS_CONSUMER_GROUP } from '@flux/contracts';
import { kafkaBrokers } from '@flux/testing';
import { Kafka, logLevel } from 'kafkajs';

/** The topic and the consumer group of one world, as an administrator sees them. */
export async function groupView({ topicPrefix }: { readonly topicPrefix: string }) {
  const admin = new Kafka({ brokers: kafkaBrokers().split(','), logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topic = `${topicPrefix}${ORDERS_ACCEPTED_TOPIC}`;

  return {
    /** Messages in the topic so far, over all partitions. */
    async endOffset(): Promise<number> {
      const partitions = await admin.fetchTopicOffsets(topic);
      return partitions.reduce((sum, { high }) => sum + Number(high), 0);
    },
    /** Puts the group back to the beginning, as if no offset had been committed; false while it has members. */
    async forgetOffsets(): Promise<boolean> {
      const groupId = `${topicPrefix}${ORDERS_CONSUMER_GROUP}`;
      const { groups } = await admin.describeGroups([groupId]);
      if (groups.some(({ members }) => members.length > 0)) return false;
      await admin.resetOffsets({ groupId, topic, earliest: true });
      return true;
    },
    close: () => admin.disconnect(),
  };
}
