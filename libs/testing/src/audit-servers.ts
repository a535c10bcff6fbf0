import {
  LEDGER_EVENTS_TOPIC,
  ORDER_STATUS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  type ItemRef,
} from '@flux/contracts';
import { OrderEventQueue } from '@flux/ledger';
import { Redis } from 'ioredis';
import { Kafka, logLevel, Partitioners, type Admin, type Consumer, type Producer } from 'kafkajs';
import type { DataSource } from 'typeorm';
import { createDatabase, type TestDatabase } from './database';
import { createTopic, kafkaBrokers, topicPrefix } from './kafka';
import { startRedis, type RedisServer } from './redis-server';
import type { AuditDependencies } from '@flux/checker';

/** Real servers for the checker's own tests; many worlds share them, each with a sale of its own. */
export class AuditServers {
  readonly redis: Redis;
  readonly database: DataSource;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly producer: Producer;
  /** Stands for the orders processes: commits what a test says. */
  readonly consumer: Consumer;
  readonly topic: string;
  readonly statusTopic: string;
  readonly ledgerTopic: string;
  readonly consumerGroup: string;
  private readonly prefix = topicPrefix();

  private constructor(
    private readonly redisServer: RedisServer,
    private readonly testDatabase: TestDatabase,
  ) {
    this.redis = new Redis(redisServer.url);
    this.database = testDatabase.dataSource;
    this.kafka = new Kafka({ brokers: kafkaBrokers().split(','), logLevel: logLevel.NOTHING });
    this.admin = this.kafka.admin();
    this.producer = this.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    this.topic = `${this.prefix}${ORDERS_ACCEPTED_TOPIC}`;
    this.statusTopic = `${this.prefix}${ORDER_STATUS_TOPIC}`;
    this.ledgerTopic = `${this.prefix}${LEDGER_EVENTS_TOPIC}`;
    this.consumerGroup = `${this.prefix}orders`;
    this.consumer = this.kafka.consumer({ groupId: this.consumerGroup, maxWaitTimeInMs: 50 });
  }

  static async start(): Promise<AuditServers> {
    const [redisServer, database] = await Promise.all([startRedis(), createDatabase()]);
    const servers = new AuditServers(redisServer, database);
    await servers.connect();
    return servers;
  }

  private async connect(): Promise<void> {
    await Promise.all([this.admin.connect(), this.producer.connect(), this.consumer.connect()]);
    for (const topic of this.topics) await createTopic(topic, 3);
    const joined = new Promise((resolve) => this.consumer.on('consumer.group_join', resolve));
    await this.consumer.subscribe({ topic: this.topic });
    await this.consumer.run({ autoCommit: false, eachBatch: () => Promise.resolve() });
    await joined;
  }

  async stop(): Promise<void> {
    await this.consumer.disconnect();
    await this.producer.disconnect();
    await this.admin.deleteTopics({ topics: [...this.topics] });
    await this.admin.disconnect();
    this.redis.disconnect();
    await Promise.all([this.redisServer.stop(), this.testDatabase.drop()]);
  }

  /** The variables of a process that works on these servers. */
  get env(): Record<string, string> {
    return {
      REDIS_URL: this.redisServer.url,
      KAFKA_BROKERS: kafkaBrokers(),
      DATABASE_URL: this.testDatabase.config.DATABASE_URL,
      FLUX_TOPIC_PREFIX: this.prefix,
    };
  }

  get dependencies(): AuditDependencies {
    const { redis, kafka, topic, statusTopic, ledgerTopic, consumerGroup, database } = this;
    return { redis, kafka, topic, statusTopic, ledgerTopic, consumerGroup, database };
  }

  private get topics(): readonly string[] {
    return [this.topic, this.statusTopic, this.ledgerTopic];
  }

  /** As the orders processes do: all that is queued goes to both topics. */
  async publish(): Promise<void> {
    const queue = new OrderEventQueue(this.database);
    const sendTo =
      (topic: string) =>
      async (events: readonly ItemRef[]): Promise<void> => {
        const messages = events.map((event) => ({ key: event.productId, value: JSON.stringify(event) }));
        await this.producer.send({ topic, acks: -1, messages });
      };
    const sends = { statuses: sendTo(this.statusTopic), ledger: sendTo(this.ledgerTopic) };
    while ((await queue.publish(sends)).more);
  }

  async sql(text: string, ...values: unknown[]): Promise<void> {
    await this.database.query(text, values);
  }

  /** As if the orders processes had consumed all there is, but for the last `behind` messages of each partition. */
  async commitOffsets(behind = 0): Promise<void> {
    const ends = await this.admin.fetchTopicOffsets(this.topic);
    const offsets = ends.map(({ partition, high }) => {
      return { topic: this.topic, partition, offset: String(Math.max(0, Number(high) - behind)) };
    });
    await this.consumer.commitOffsets(offsets);
  }
}
