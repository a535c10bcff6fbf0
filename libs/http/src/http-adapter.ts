import { ProblemError } from '@flux/contracts';
import type { Health, Telemetry } from '@flux/telemetry';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerProblem } from './answer-problem';
import { answerClientError } from './client-error';
import { isTrusted, type TrustedProxies } from './client-ip';
import { capConnections, type ConnectionCaps } from './connection-caps';
import { jsonHazardOf } from './json-hazards';
import { LIMITS } from './limits';
import { observeRequests } from './observe-requests';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id';
import type { RouteTable } from './route-table';
import { problemOfStatus } from './to-problem';
import { closeUnread } from './unread-answers';

interface AdapterOptions {
  readonly bodyLimitBytes: number;
  readonly connections: ConnectionCaps;
  readonly telemetry: Telemetry;
  readonly routes: RouteTable;
  /** Whose `X-Forwarded-For` counts. */
  readonly trustedProxies: TrustedProxies;
}

/**
 * Fastify with every limit set, JSON as its only body type, a request id on every answer and its refusals as
 * problem+json. Only listed proxies are trusted, see `clientIpOf`.
 */
export function createHttpAdapter({
  bodyLimitBytes,
  connections,
  telemetry,
  routes,
  trustedProxies,
}: AdapterOptions): FastifyAdapter {
  const { metrics, health, log } = telemetry;
  const adapter = new FastifyAdapter({
    // There is no Nest middleware, and there shall be none: authorisation stands in guards and hooks.
    skipMiddie: true,
    bodyLimit: bodyLimitBytes,
    requestTimeout: LIMITS.requestTimeoutMs,
    connectionTimeout: LIMITS.connectionTimeoutMs,
    keepAliveTimeout: LIMITS.keepAliveTimeoutMs,
    maxRequestsPerSocket: LIMITS.requestsPerSocket,
    http: {
      maxHeaderSize: LIMITS.headerBytes,
      headersTimeout: LIMITS.headersTimeoutMs,
      connectionsCheckingInterval: LIMITS.checkingIntervalMs,
    },
    routerOptions: { maxParamLength: LIMITS.paramLength },
    trustProxy: trustedProxies.length > 0 && ((address) => isTrusted(address, trustedProxies)),
    requestIdHeader: false,
    genReqId: requestIdOf,
    // While closing, requests on open connections are still answered.
    return503OnClosing: false,
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      // No hook runs for these.
      answerProblem(reply.header(REQUEST_ID_HEADER, request.id), problemOfStatus(error.statusCode ?? 400));
    },
    clientErrorHandler: answerClientError,
  });
  const instance = adapter.getInstance<FastifyInstance>();
  capConnections(instance.server, { caps: connections, trustedProxies, metrics, log });
  closeUnread(instance.server);
  instance.addHook('onRoute', (route) => {
    if (route.url !== '*') routes.add(route.method, route.url);
    const rawBodyLimitBytes = route.config?.rawBodyLimitBytes;
    if (rawBodyLimitBytes !== undefined) route.bodyLimit = rawBodyLimitBytes;
  });
  instance.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_ID_HEADER, request.id);
    const refusal = refusalOf(request);
    if (refusal === undefined) done();
    else answerProblem(reply, refusal);
  });
  takeJsonOnly(instance);
  endConnectionsWhileClosing(instance, health);
  observeRequests(instance, metrics);
  return adapter;
}

/** What is refused on the request's head alone. */
function refusalOf({ raw }: FastifyRequest): ProblemError | undefined {
  if ((raw.url ?? '').length > LIMITS.urlBytes) return problemOfStatus(414);
  if (raw.rawHeaders.length / 2 > LIMITS.headers) return problemOfStatus(431);
  const encoding = raw.headers['content-encoding'];
  // Nothing is decompressed, so no small body can grow.
  return encoding === undefined || encoding === 'identity' ? undefined : problemOfStatus(415);
}

/**
 * From the moment that the process is told to stop, each answer is the last on its connection: `Connection: close`. A
 * client so learns of it before its next request could meet a closed socket, and no idle connection holds the close up.
 */
function endConnectionsWhileClosing(instance: FastifyInstance, health: Health): void {
  let closing = false;
  instance.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  instance.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing || health.isDraining) reply.header('connection', 'close');
    done();
  });
}

function takeJsonOnly(instance: FastifyInstance): void {
  const parse = instance.getDefaultJsonParser('error', 'error');
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (request.routeOptions.config.rawBodyLimitBytes !== undefined) {
      done(null, body);
      return;
    }
    const text = body.toString();
    if (jsonHazardOf(text) === undefined) void parse(request, text, done);
    else done(problemOfStatus(400), undefined);
  });
}
