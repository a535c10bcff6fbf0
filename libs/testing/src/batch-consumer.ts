import { Controller, Module, type DynamicModule, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern } from '@nestjs/microservices';
import {
  BatchStrategy,
  consumerObserver,
  createKafka,
  prefixed,
  type BatchAnswer,
  type BatchHandler,
  type BatchStrategyOptions,
  type KafkaBatch,
  type KafkaMessage,
  type KafkaSettings,
} from '@flux/kafka';

export interface BatchConsumerOptions extends Partial<BatchStrategyOptions> {
  readonly settings: KafkaSettings;
  /** Without the prefix; the group is named after it. */
  readonly topic: string;
  readonly handle: (...args: Parameters<BatchHandler>) => BatchAnswer | Promise<BatchAnswer>;
}

export function consumerGroup({ settings, topic }: Pick<BatchConsumerOptions, 'settings' | 'topic'>): string {
  return prefixed(settings, `group-${topic}`);
}

/** One process of a consumer group, as a Nest microservice on BatchStrategy, that remembers all it saw. */
export class BatchConsumer {
  /** Messages of the batches that were answered with `done`. */
  readonly handled: KafkaMessage[] = [];
  readonly batches: KafkaBatch[] = [];
  readonly parked: { readonly offset: bigint; readonly reason: string }[] = [];
  /** The attempt's number of each wait. */
  readonly retried: number[] = [];
  readonly fatal: unknown[] = [];
  readonly lags = new Map<number, number>();
  assigned: readonly number[] = [];
  joins = 0;
  readonly strategy: BatchStrategy;
  private app: INestMicroservice | undefined;

  private constructor(private readonly options: BatchConsumerOptions) {
    const { settings, topic } = options;
    this.strategy = new BatchStrategy({
      kafka: createKafka({ settings, clientId: 'test' }),
      groupId: consumerGroup(options),
      parking: {
        park: ({ offset }, reason) => {
          this.parked.push({ offset, reason });
          return Promise.resolve();
        },
      },
      onFatal: (error) => this.fatal.push(error),
      observer: consumerObserver({
        lag: ({ partition, lag }) => this.lags.set(partition, lag),
        retried: ({ attempt }) => this.retried.push(attempt),
        assigned: ({ partitions }) => {
          this.joins += 1;
          this.assigned = partitions[prefixed(settings, topic)] ?? [];
        },
      }),
      ...options,
    });
  }

  static async start(options: BatchConsumerOptions): Promise<BatchConsumer> {
    const consumer = new BatchConsumer(options);
    consumer.app = await NestFactory.createMicroservice(consumer.module(), {
      strategy: consumer.strategy,
      logger: false,
    });
    await consumer.app.listen();
    return consumer;
  }

  get values(): string[] {
    return this.handled.map(({ value }) => String(value));
  }

  async stop(): Promise<void> {
    await this.app?.close();
  }

  private async handle(batch: KafkaBatch): Promise<BatchAnswer> {
    this.batches.push(batch);
    const answer = await this.options.handle(batch);
    if (answer.next === 'done') this.handled.push(...batch.messages);
    return answer;
  }

  private module(): DynamicModule {
    const handle = (batch: KafkaBatch) => this.handle(batch);
    // Of a text that is no literal, Nest's types would derive the handler's payload.
    const pattern: unknown = this.options.topic;
    @Controller()
    class BatchController {
      @EventPattern(pattern)
      accept(batch: KafkaBatch): Promise<BatchAnswer> {
        return handle(batch);
      }
    }
    @Module({})
    class BatchModule {}
    return { module: BatchModule, controllers: [BatchController] };
  }
}
