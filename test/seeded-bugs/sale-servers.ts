import { createKafka, KafkaAdmin, type KafkaSettings } from '@flux/kafka';
import {
  connectGate,
  createDatabase,
  deleteTopics,
  gateConfig,
  startRedis,
  testKafkaSettings,
  type GateClients,
  type RedisServer,
  type TestDatabase,
} from '@flux/testing';
import type { Kafka } from 'kafkajs';

interface Parts {
  readonly redis: RedisServer;
  readonly database: TestDatabase;
  readonly clients: GateClients;
  readonly kafka: Kafka;
  readonly kafkaAdmin: KafkaAdmin;
  readonly settings: KafkaSettings;
}

/** Real servers that the sales of one spec file share. */
export class SaleServers {
  private sales = 0;

  private constructor(private readonly parts: Parts) {}

  get redis(): RedisServer {
    return this.parts.redis;
  }

  get database(): TestDatabase {
    return this.parts.database;
  }

  get clients(): GateClients {
    return this.parts.clients;
  }

  get kafka(): Kafka {
    return this.parts.kafka;
  }

  get kafkaAdmin(): KafkaAdmin {
    return this.parts.kafkaAdmin;
  }

  static async start(): Promise<SaleServers> {
    const [redis, database] = await Promise.all([startRedis(), createDatabase()]);
    const settings = testKafkaSettings({ FLUX_KAFKA_PARTITIONS: 1 });
    const kafka = createKafka({ settings, clientId: 'test' });
    const clients = await connectGate(gateConfig(redis.url));
    const kafkaAdmin = new KafkaAdmin(kafka);
    return new SaleServers({ redis, database, clients, kafka, kafkaAdmin, settings });
  }

  /** For topics and a group of one sale's own: what it leaves unread is nobody else's lag. */
  nextSettings(): KafkaSettings {
    this.sales += 1;
    return {
      ...this.parts.settings,
      FLUX_TOPIC_PREFIX: `${this.parts.settings.FLUX_TOPIC_PREFIX}${this.sales}.`,
    };
  }

  /** A gateway of its own, as far as the gate sees it. */
  async gateway(): Promise<GateClients> {
    return connectGate(gateConfig(this.redis.url));
  }

  async stop(): Promise<void> {
    this.clients.connection.close();
    await this.kafkaAdmin.disconnect();
    await deleteTopics(this.parts.settings.FLUX_TOPIC_PREFIX);
    await this.redis.remove();
    await this.database.drop();
  }
}
