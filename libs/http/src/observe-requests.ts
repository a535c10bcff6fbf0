import { SECONDS_BUCKETS, type Metrics } from '@flux/telemetry';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Measures every answered request but event streams by route template, never by its address, so that labels stay few. */
export function observeRequests(instance: FastifyInstance, metrics: Metrics): void {
  const seconds = metrics.histogram({
    name: 'http_request_seconds',
    help: 'From the request line to the last byte of the answer',
    labels: ['method', 'route', 'status'],
    buckets: SECONDS_BUCKETS,
  });
  instance.addHook('onResponse', (request, reply, done) => {
    // How long a reader stayed says nothing of the process.
    if (isEventStream(reply)) {
      done();
      return;
    }
    const labels = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: String(reply.statusCode),
    };
    seconds.observe(labels, reply.elapsedTime / 1_000);
    done();
  });
}

function isEventStream(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('text/event-stream');
}
