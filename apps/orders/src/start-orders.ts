import { checkRedisSettings, GateClient, RedisConnection } from '@flux/gate';
import { BatchStrategy } from '@flux/kafka';
import { describeFailure, LedgerConnection } from '@flux/ledger';
import { NestLog } from '@flux/telemetry';
import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { ExpiryService } from './expiry/expiry.service';
import { UntoldService } from './expiry/untold.service';
import { OrderStatusPublisher } from './order-status/order-status-publisher.service';
import { OrdersModule, type OrdersOptions } from './orders.module';
import { SweeperService } from './sweeper.service';

/**
 * Starts to consume as soon as PostgreSQL, Redis and Kafka are there; until then the process is alive and not ready.
 * Closing the app stops in this order: the consumer (the running batch is committed, settled and its offset
 * committed), what goes on in the background, then the connections.
 * @throws where a server is reachable and not safe
 */
export async function startOrders(options: OrdersOptions): Promise<INestMicroservice> {
  const { config, log, health } = options;
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(OrdersModule.forRoot(options), {
    inject: [BatchStrategy],
    useFactory: (strategy: BatchStrategy) => ({ strategy }),
    logger: new NestLog(log),
    abortOnError: false,
  });
  const ledger = app.get(LedgerConnection);
  const strategy = app.get(BatchStrategy);
  health.register('postgres', () => ledger.answers());
  health.register('redis', () => app.get(GateClient).isReady());
  health.register('kafka', () => strategy.isConsuming);

  await Promise.all([
    ledger.ready((error) => {
      log.warn({ reason: describeFailure(error) }, 'waits for PostgreSQL');
    }),
    checkRedisSettings(app.get(RedisConnection), config),
  ]);
  await app.listen();
  app.get(SweeperService).start();
  app.get(ExpiryService).start();
  app.get(UntoldService).start();
  app.get(OrderStatusPublisher).start();
  return app;
}
