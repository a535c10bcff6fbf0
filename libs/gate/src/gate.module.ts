import { Logger, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { AccessListStore } from './access-lists';
import { Catalogue } from './catalogue';
import { GateRebuild } from './gate-rebuild';
import { GateClient } from './gate.client';
import { Outboxes } from './outboxes';
import { RedisConnection } from './redis-connection';
import { Refusals } from './refusals';
import type { RedisConfig } from './settings';
import { Shares } from './shares';
import { GateSubscriber } from './subscriber';

/** What an order survives from the moment that its shopper is told. */
const MEANING = {
  strict: 'an accepted order is on the disk of its Redis',
  replicated: 'an accepted order is on the disk of its Redis, and a replica has it',
  fast: 'an accepted order may be lost if the machine of its Redis fails within 2 seconds',
} as const satisfies Record<RedisConfig['FLUX_DURABILITY'], string>;

/**
 * Gives GateClient, GateRebuild, Catalogue, Outboxes, Refusals, AccessListStore, Shares, GateSubscriber and RedisConnection to the whole process.
 * Connects at once and in the background. The connections close with `onApplicationShutdown`: stop what uses the gate before that,
 * in `onModuleDestroy` or `beforeApplicationShutdown`.
 */
@Module({})
export class GateModule implements OnApplicationShutdown {
  constructor(
    private readonly connection: RedisConnection,
    private readonly subscriber: GateSubscriber,
  ) {
    const logger = new Logger('Gate');
    logger.log(`FLUX_DURABILITY is ${connection.durability}: ${MEANING[connection.durability]}`);
    connection.onChange((event) => {
      if (event.state === 'up') logger.log('Redis is connected');
      else logger.warn(`Redis is not connected: ${event.reason}`);
    });
  }

  /** @param config `redisSettings`, parsed; other fields do no harm */
  static forRoot(config: RedisConfig): DynamicModule {
    const onConnection = <Service>(service: new (connection: RedisConnection) => Service) => ({
      provide: service,
      inject: [RedisConnection],
      useFactory: (connection: RedisConnection) => new service(connection),
    });
    const services = [
      GateClient,
      GateRebuild,
      Catalogue,
      Outboxes,
      Refusals,
      AccessListStore,
      Shares,
      GateSubscriber,
      RedisConnection,
    ];
    return {
      module: GateModule,
      global: true,
      providers: [
        { provide: RedisConnection, useFactory: () => new RedisConnection(config) },
        { provide: GateSubscriber, useFactory: () => new GateSubscriber(config) },
        onConnection(GateClient),
        onConnection(GateRebuild),
        onConnection(Catalogue),
        onConnection(Outboxes),
        onConnection(Refusals),
        onConnection(AccessListStore),
        onConnection(Shares),
      ],
      exports: services,
    };
  }

  onApplicationShutdown(): void {
    this.subscriber.close();
    this.connection.close();
  }
}
