import { deleteTopics, readTopic, testKafkaSettings, withAdmin } from '@flux/testing';
import { ConfigResourceTypes } from 'kafkajs';
import { BatchProducer } from './batch-producer';
import { KafkaAdmin } from './kafka-admin';
import { createKafka } from './kafka-client';
import { partitionOf } from './partition-of';
import type { OutgoingMessage } from './record-batch';
import { prefixed } from './settings';
import { ensureTopics, UnsafeTopicError } from './topics';

jest.setTimeout(60_000);

const settings = testKafkaSettings();
const kafka = createKafka({ settings, clientId: 'test' });
const producer = new BatchProducer(kafka);
const admin = new KafkaAdmin(kafka);

afterAll(async () => {
  await producer.disconnect();
  await admin.disconnect();
  await deleteTopics(settings.FLUX_TOPIC_PREFIX);
});

function messages(count: number, value: (index: number) => string): OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => ({
    key: 'k',
    value: value(index),
    headers: { at: String(index) },
  }));
}

describe('ensureTopics', () => {
  it('lets several processes create the same topics at once, with safe settings', async () => {
    const ensure = () => ensureTopics({ kafka, settings, topics: ['race-a', 'race-b'] });
    const answers = await Promise.all([ensure(), ensure(), ensure(), ensure()]);
    for (const answer of answers) expect(Object.fromEntries(answer)).toEqual({ 'race-a': 4, 'race-b': 4 });

    const config = await withAdmin(async (raw) =>
      raw.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: prefixed(settings, 'race-a') }],
      }),
    );
    const values = config.resources[0]!.configEntries.map(({ configName, configValue }) => [
      configName,
      configValue,
    ]);
    expect(Object.fromEntries(values)).toMatchObject({
      'min.insync.replicas': '1',
      'unclean.leader.election.enable': 'false',
      'cleanup.policy': 'delete',
    });
  });

  it('refuses an existing topic that can lose orders, naming the setting and its waiver', async () => {
    const topic = prefixed(settings, 'unsafe');
    await withAdmin((raw) =>
      raw.createTopics({
        topics: [
          {
            topic,
            numPartitions: 4,
            configEntries: [{ name: 'unclean.leader.election.enable', value: 'true' }],
          },
        ],
      }),
    );
    const ensure = ensureTopics({ kafka, settings, topics: ['unsafe'] });
    await expect(ensure).rejects.toThrow(UnsafeTopicError);
    await expect(ensure).rejects.toThrow('FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION=1');
    const waived = { ...settings, FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION: true };
    await ensureTopics({ kafka, settings: waived, topics: ['unsafe'] });
  });

  it('takes an existing topic with more partitions as it is, and refuses one with fewer', async () => {
    await ensureTopics({ kafka, settings: { ...settings, FLUX_KAFKA_PARTITIONS: 6 }, topics: ['wide'] });
    expect((await ensureTopics({ kafka, settings, topics: ['wide'] })).get('wide')).toBe(6);
    const more = { ...settings, FLUX_KAFKA_PARTITIONS: 7 };
    await expect(ensureTopics({ kafka, settings: more, topics: ['wide'] })).rejects.toThrow(
      'FLUX_KAFKA_PARTITIONS',
    );
  });

  it('waits while Kafka cannot hold that many replicas, until it is told to stop', async () => {
    const stop = new AbortController();
    const waited: unknown[] = [];
    const ensure = ensureTopics({
      kafka,
      settings: { ...settings, FLUX_KAFKA_REPLICATION: 3 },
      topics: ['replicated'],
      signal: stop.signal,
      log: (_level, message, fields) => {
        waited.push([message, fields?.['reason']]);
        stop.abort();
      },
    });
    await expect(ensure).rejects.toThrow();
    expect(waited).toEqual([['waits for Kafka', expect.stringContaining('eplication')]]);
  });
});

describe('partitionOf', () => {
  it('is where Kafka clients put the key', async () => {
    const topic = prefixed(settings, 'keys');
    await ensureTopics({ kafka, settings: { ...settings, FLUX_KAFKA_PARTITIONS: 7 }, topics: ['keys'] });
    const keys = Array.from({ length: 60 }, (_, index) => `product-${index}`);
    // A plain kafkajs producer that chooses the partition from the key.
    const plain = kafka.producer({ createPartitioner: undefined as never });
    await plain.connect();
    await plain.send({ topic, messages: keys.map((key) => ({ key, value: key })) });
    await plain.disconnect();
    const found = await readTopic(topic);
    expect(found).toHaveLength(60);
    for (const { key, partition } of found) expect(partition).toBe(partitionOf(key!, 7));
    expect(new Set(found.map(({ partition }) => partition)).size).toBe(7);
  });

  it('agrees with the Java client', () => {
    // org.apache.kafka.common.utils.Utils.murmur2, from its own test.
    expect(partitionOf('21', 2 ** 16)).toBe((-973932308 & 0x7fffffff) % 2 ** 16);
    expect(partitionOf('foobar', 2 ** 16)).toBe((-790332482 & 0x7fffffff) % 2 ** 16);
    expect(partitionOf('a-little-bit-long-string', 2 ** 16)).toBe((-985981536 & 0x7fffffff) % 2 ** 16);
  });
});

describe('BatchProducer', () => {
  it('splits what exceeds a record batch, and loses and reorders nothing', async () => {
    await ensureTopics({ kafka, settings, topics: ['large'] });
    const topic = prefixed(settings, 'large');
    // 3.6 MB in all; three of the calls at once, as several callers of one partition.
    const sent = messages(180, (index) => `${index} ${'x'.repeat(20_000)}`);
    const outcomes = await Promise.all(
      [sent.slice(0, 60), sent.slice(60, 120), sent.slice(120)].map((part) =>
        producer.send({ topic, partition: 2, messages: part }),
      ),
    );
    expect(outcomes).toEqual(Array(3).fill({ outcome: 'acked' }));
    const found = await readTopic(topic);
    expect(found.map(({ headers }) => headers['at'])).toEqual(sent.map(({ headers }) => headers['at']));
    expect(found.every(({ partition }) => partition === 2)).toBe(true);
  });

  it('tells how many were acknowledged when one is too large for Kafka', async () => {
    await ensureTopics({ kafka, settings, topics: ['mixed'] });
    const topic = prefixed(settings, 'mixed');
    const sent = messages(5, (index) => (index === 3 ? 'x'.repeat(1_200_000) : `${index}`));
    const outcome = await producer.send({ topic, partition: 0, messages: sent });
    expect(outcome).toMatchObject({ outcome: 'failed', acked: 3 });
    expect(await readTopic(topic)).toHaveLength(3);
    expect(await producer.send({ topic, partition: 0, messages: sent.slice(4) })).toEqual({
      outcome: 'acked',
    });
  });

  it('answers with a failure where Kafka is not there', async () => {
    const nowhere = new BatchProducer(
      createKafka({ settings: { KAFKA_BROKERS: '127.0.0.1:1' }, clientId: 'test' }),
    );
    const outcome = await nowhere.send({ topic: 't', partition: 0, messages: messages(1, String) });
    expect(outcome).toMatchObject({
      outcome: 'failed',
      acked: 0,
      reason: expect.stringContaining('ECONNREFUSED') as string,
    });
    await nowhere.disconnect();
  });
});

describe('KafkaAdmin', () => {
  it('reads ends and the lag of a group that has not begun', async () => {
    await ensureTopics({ kafka, settings, topics: ['offsets'] });
    const topic = prefixed(settings, 'offsets');
    await producer.send({ topic, partition: 1, messages: messages(10, String) });
    const groupId = prefixed(settings, 'readers');
    expect(Object.fromEntries(await admin.endOffsets(topic))).toEqual({ 0: 0n, 1: 10n, 2: 0n, 3: 0n });
    expect(Object.fromEntries(await admin.lag(groupId, topic))).toEqual({ 0: 0n, 1: 10n, 2: 0n, 3: 0n });
    expect(await admin.partitions(topic)).toBe(4);
    expect(await admin.isReachable(topic)).toBe(true);
  });

  it('rejects for an unknown topic and works again afterwards', async () => {
    await ensureTopics({ kafka, settings, topics: ['something'] });
    const nothing = prefixed(settings, 'nothing');
    await expect(admin.endOffsets(nothing)).rejects.toThrow();
    await expect(admin.committedOffsets(prefixed(settings, 'readers'), nothing)).rejects.toThrow();
    expect(await admin.isReachable(nothing)).toBe(false);
    expect(await admin.isReachable(prefixed(settings, 'something'))).toBe(true);
  });

  it('says that Kafka is not reachable', async () => {
    const nowhere = new KafkaAdmin(
      createKafka({ settings: { KAFKA_BROKERS: '127.0.0.1:1' }, clientId: 'test' }),
    );
    expect(await nowhere.isReachable('t')).toBe(false);
  });
});
