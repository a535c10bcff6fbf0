import { Module, type DynamicModule, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { HealthController } from './health.controller';
import { MetricsController } from './metrics.controller';
import { NestLog } from './nest-log';
import { TelemetryModule, type Telemetry } from './telemetry.module';

/** `/health/live` and `/health/ready` in an app that imports TelemetryModule. */
@Module({ controllers: [HealthController] })
export class HealthModule {}

/** `/metrics` in an app that imports TelemetryModule. */
@Module({ controllers: [MetricsController] })
export class MetricsModule {}

@Module({})
class ManagementModule {
  static forRoot(telemetry: Telemetry): DynamicModule {
    return {
      module: ManagementModule,
      imports: [TelemetryModule.forRoot(telemetry), HealthModule, MetricsModule],
    };
  }
}

/** What probes, scrapers and people at a terminal need, and no more. */
const LIMITS = {
  bodyLimit: 1_024,
  requestTimeout: 10_000,
  connectionTimeout: 30_000,
  keepAliveTimeout: 65_000,
  maxRequestsPerSocket: 10_000,
  http: { maxHeaderSize: 8_192, headersTimeout: 5_000, connectionsCheckingInterval: 1_000 },
} as const;
const MAX_CONNECTIONS = 100;

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * The process's own listener for `/metrics`, `/health/live` and `/health/ready`, apart from the port it serves on.
 * @returns how to close it
 */
export async function startManagement(
  telemetry: Telemetry,
  { host, port }: Address,
): Promise<() => Promise<void>> {
  const adapter = new FastifyAdapter(LIMITS);
  adapter.getHttpServer().maxConnections = MAX_CONNECTIONS;
  const app: INestApplication = await NestFactory.create(ManagementModule.forRoot(telemetry), adapter, {
    logger: new NestLog(telemetry.log),
    abortOnError: false,
  });
  await app.listen(port, host);
  telemetry.log.info({ host, port }, 'management port listens');
  return () => app.close();
}
