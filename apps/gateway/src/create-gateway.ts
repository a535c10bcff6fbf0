import fastifyCors from '@fastify/cors';
import { createHttpApp } from '@flux/http';
import type { Telemetry } from '@flux/telemetry';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { serveGatewayDocs } from './docs';
import { originsOf, type GatewayConfig } from './gateway.config';

const BODY_LIMIT_BYTES = 4_096;

/** The headers that a page's script may send and read: those of the HTTP contract. */
const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-None-Match',
  'Last-Event-ID',
  'X-Challenge',
  'X-Device-Hint',
  'X-Idempotency-Key',
  'X-Pass',
  'X-Request-Id',
  'X-Ticket',
];
const EXPOSED_HEADERS = [
  'ETag',
  'Idempotency-Replayed',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Request-Id',
];
const PREFLIGHT_SECONDS = 600;

/** The gateway, complete but for listening. `close` answers what is under way, then leaves Redis. */
export async function createGateway(
  config: GatewayConfig,
  telemetry: Telemetry,
): Promise<NestFastifyApplication> {
  const app = await createHttpApp({
    module: AppModule.forRoot(config, telemetry),
    telemetry,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    trustedProxies: config.FLUX_TRUSTED_PROXIES,
    connections: {
      perProcess: config.FLUX_GATEWAY_CONNECTIONS,
      perAddress: config.FLUX_ADDRESS_CONNECTIONS,
    },
  });
  const origins = originsOf(config.FLUX_CORS_ORIGINS);
  if (origins.length > 0) {
    await app.register(fastifyCors, {
      origin: [...origins],
      methods: ['GET', 'HEAD', 'POST', 'DELETE'],
      allowedHeaders: config.FLUX_AUTH === 'demo' ? [...ALLOWED_HEADERS, 'X-Shopper-Id'] : ALLOWED_HEADERS,
      exposedHeaders: EXPOSED_HEADERS,
      maxAge: PREFLIGHT_SECONDS,
      strictPreflight: false,
    });
  }
  if (config.NODE_ENV !== 'production' || config.FLUX_DOCS) serveGatewayDocs(app, config);
  return app;
}
