import { randomBytes } from 'node:crypto';
import {
  createKafka,
  decodeMessage,
  KAFKAJS_RETRY,
  type KafkaMessage,
  type KafkaSettings,
} from '@flux/kafka';
import { Kafka, logLevel, type Admin, type Consumer } from 'kafkajs';
import { connect } from 'node:net';
import { TcpProxy } from './tcp-proxy';
import { waitUntil } from './wait-until';

const READ_TIMEOUT_MS = 60_000;

/** The brokers of the test stack, as `host:port` separated by commas. */
export function kafkaBrokers(): string {
  const brokers = process.env['KAFKA_BROKERS'];
  if (brokers === undefined || brokers === '') {
    throw new Error('KAFKA_BROKERS is not set: run the tests with `npm test`, or start a broker and name it');
  }
  return brokers;
}

/** A prefix of its own for each test file, so that files share a broker and nothing else. */
export function topicPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}.`;
}

/** Settings that fit the test stack's single broker. */
export function testKafkaSettings(overrides: Partial<KafkaSettings> = {}): KafkaSettings {
  return {
    KAFKA_BROKERS: kafkaBrokers(),
    FLUX_KAFKA_SSL: false,
    FLUX_KAFKA_CA_FILE: '',
    FLUX_KAFKA_SASL_MECHANISM: 'none',
    FLUX_KAFKA_SASL_USERNAME: '',
    FLUX_KAFKA_SASL_PASSWORD: '',
    FLUX_KAFKA_REPLICATION: 1,
    FLUX_KAFKA_PARTITIONS: 4,
    FLUX_TOPIC_PREFIX: topicPrefix(),
    FLUX_WAIVE_KAFKA_MIN_ISR: false,
    FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION: false,
    FLUX_WAIVE_KAFKA_RETENTION: false,
    FLUX_WAIVE_KAFKA_REPLICATION: false,
    FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION: false,
    ...overrides,
  };
}

/** A topic with the broker's default settings, ready for use. */
export async function createTopic(topic: string, partitions = 1): Promise<void> {
  await withAdmin(async (admin) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false });
    // kafkajs' own wait ends with an error where a busy broker does not know the new topic yet.
    await waitUntil(`the topic ${topic} has its leaders`, async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] }));
      const led = topics.flatMap((each) => each.partitions).filter(({ leader }) => leader >= 0);
      return led.length === partitions;
    });
  });
}

/** Deletes every topic whose name begins so. */
export async function deleteTopics(prefix: string): Promise<void> {
  await withAdmin(async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  });
}

/** Every message that is in the topic now: by partition, each in its order. */
export async function readTopic(topic: string): Promise<readonly KafkaMessage[]> {
  const kafka = testClient();
  const open = await openPartitions(topic);
  if (open.size === 0) return [];
  const groupId = `read-${randomBytes(6).toString('hex')}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50, allowAutoTopicCreation: false });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const messages = await readUntilEnd(consumer, open, topic);
    return messages.sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset));
  } finally {
    await consumer.disconnect();
    await withAdmin((admin) => admin.deleteGroups([groupId]));
  }
}

/** By partition that is not empty, the offset of its end. */
async function openPartitions(topic: string): Promise<Map<number, bigint>> {
  const offsets = await withAdmin((admin) => admin.fetchTopicOffsets(topic));
  const filled = offsets.filter(({ low, high }) => low !== high);
  return new Map(filled.map(({ partition, high }) => [partition, BigInt(high)]));
}

async function readUntilEnd(
  consumer: Consumer,
  open: Map<number, bigint>,
  topic: string,
): Promise<KafkaMessage[]> {
  const messages: KafkaMessage[] = [];
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${topic} was not read to its end within ${READ_TIMEOUT_MS} ms`));
    }, READ_TIMEOUT_MS);
    const end = (): void => {
      clearTimeout(timer);
      resolve(messages);
    };
    consumer
      .run({
        autoCommit: false,
        eachBatch: ({ batch }) => {
          messages.push(...batch.messages.map((message) => decodeMessage(batch, message)));
          const reached = BigInt(batch.lastOffset()) + 1n;
          if (reached >= (open.get(batch.partition) ?? 0n)) open.delete(batch.partition);
          if (open.size === 0) end();
          return Promise.resolve();
        },
      })
      .catch(reject);
  });
}

/** Asks the test stack's broker through an admin connection of its own. */
export async function withAdmin<Answer>(ask: (admin: Admin) => Promise<Answer>): Promise<Answer> {
  const admin = testClient().admin();
  await admin.connect();
  try {
    return await ask(admin);
  } finally {
    await admin.disconnect();
  }
}

/**
 * Commits offsets for a group that has no members, one a partition from 0 on: as its processes do that have come so
 * far. kafkajs' own `setOffsets` waits five seconds for a fetch.
 */
export async function commitOffsets(
  groupId: string,
  topic: string,
  offsets: readonly string[],
): Promise<void> {
  const consumer = testClient().consumer({ groupId, maxWaitTimeInMs: 50, allowAutoTopicCreation: false });
  await consumer.connect();
  try {
    const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
    await consumer.subscribe({ topic });
    await consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    await joined;
    await consumer.commitOffsets(offsets.map((offset, partition) => ({ topic, partition, offset })));
  } finally {
    await consumer.disconnect();
  }
}

/** A proxy in front of the test stack's broker; see kafkaThrough. */
export async function startKafkaProxy(): Promise<TcpProxy> {
  const [host = '', port = ''] = (kafkaBrokers().split(',')[0] ?? '').split(':');
  return TcpProxy.start({ host, port: Number(port) });
}

/** A client whose every connection goes through the proxy, whatever address the broker advertises. */
export function kafkaThrough(proxy: TcpProxy): Kafka {
  return new Kafka({
    brokers: kafkaBrokers().split(','),
    clientId: 'test',
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    retry: KAFKAJS_RETRY,
    logLevel: logLevel.NOTHING,
    socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port: proxy.port }, onConnect),
  });
}

function testClient(): Kafka {
  return createKafka({ settings: { KAFKA_BROKERS: kafkaBrokers() }, clientId: 'test' });
}
