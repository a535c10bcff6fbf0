import { NestLog } from '@flux/telemetry';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RelayModule } from './relay.module';
import type { RelayOptions } from './relay.options';

/**
 * Relays from the moment that Redis and Kafka are there; until then the process is alive and not ready. Closing the
 * app ends the sends in flight, stores how far Kafka has acknowledged them, and disconnects.
 */
export async function startRelay(options: RelayOptions): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext(RelayModule.forRoot(options), {
    logger: new NestLog(options.log),
    abortOnError: false,
  });
}
