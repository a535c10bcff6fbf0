import { RouteConfig } from '@nestjs/platform-fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    rawBodyLimitBytes?: number;
  }
}

/**
 * A route whose JSON body is not parsed: the handler and its guards get the bytes as they came, for a signature is
 * over bytes. `request.body` is then a Buffer, or undefined where nothing was sent.
 * @param limitBytes this route's own limit, instead of the app's
 */
export function RawBody(limitBytes: number): MethodDecorator {
  return RouteConfig({ rawBodyLimitBytes: limitBytes });
}
