import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { Kafka } from 'kafkajs';
import { BatchProducer } from './batch-producer';
import { KafkaAdmin } from './kafka-admin';
import { createKafka, type KafkaClientOptions } from './kafka-client';
import { KAFKA_SETTINGS, type KafkaSettings } from './settings';

export interface KafkaModuleOptions extends KafkaClientOptions {
  readonly settings: KafkaSettings;
}

/**
 * Gives BatchProducer, KafkaAdmin and the settings to an app. Both connect when first used, and disconnect at Nest's
 * onApplicationShutdown: whoever sends must have stopped before, in onModuleDestroy or beforeApplicationShutdown.
 */
@Module({})
export class KafkaModule implements OnApplicationShutdown {
  constructor(
    private readonly producer: BatchProducer,
    private readonly admin: KafkaAdmin,
  ) {}

  static forRoot(options: KafkaModuleOptions): DynamicModule {
    const kafka = createKafka(options);
    const providers = [
      { provide: Kafka, useValue: kafka },
      { provide: KAFKA_SETTINGS, useValue: options.settings },
      { provide: BatchProducer, useValue: new BatchProducer(kafka) },
      { provide: KafkaAdmin, useValue: new KafkaAdmin(kafka) },
    ];
    return { module: KafkaModule, global: true, providers, exports: providers };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.producer.disconnect();
    await this.admin.disconnect();
  }
}
