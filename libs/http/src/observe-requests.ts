import { SECONDS_BUCKETS, type Metrics } from '@flux/telemetry';
import type { FastifyInstance } from 'fastify';

/** Measures every answered request by route template, never by its address, so that labels stay few. */
export function observeRequests(instance: FastifyInstance, metrics: Metrics): void {
  const seconds = metrics.histogram({
    name: 'http_request_seconds',
    help: 'From the request line to the last byte of the answer',
    labels: ['method', 'route', 'status'],
    buckets: SECONDS_BUCKETS,
  });
  instance.addHook('onResponse', (request, reply, done) => {
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: String(reply.statusCode),
    };
    seconds.observe(labels, reply.elapsedTime / 1_000);
    done();
  });
}
