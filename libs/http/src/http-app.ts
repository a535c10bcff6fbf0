import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestLog, type Telemetry } from '@flux/telemetry';
import type { TrustedProxies } from './client-ip';
import type { ConnectionCaps } from './connection-caps';
import { createHttpAdapter } from './http-adapter';
import { ProblemFilter } from './problem.filter';
import { RouteTable } from './route-table';

interface HttpAppOptions {
  readonly module: Type | DynamicModule;
  readonly telemetry: Telemetry;
  readonly bodyLimitBytes: number;
  readonly connections: ConnectionCaps;
  /** Proxies whose `X-Forwarded-For` counts; none unless given. */
  readonly trustedProxies?: TrustedProxies;
}

/** A Nest app behind the HTTP edge of this library. Not listening yet, so that docs and CORS can still be added. */
export async function createHttpApp(options: HttpAppOptions): Promise<NestFastifyApplication> {
  const { module, telemetry, bodyLimitBytes, connections, trustedProxies = [] } = options;
  const routes = new RouteTable();
  const adapter = createHttpAdapter({ bodyLimitBytes, connections, telemetry, routes, trustedProxies });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    // Nest would add a parser for forms.
    bodyParser: false,
    abortOnError: false,
    logger: new NestLog(telemetry.log),
  });
  app.useGlobalFilters(new ProblemFilter(telemetry.log, routes));
  return app;
}
