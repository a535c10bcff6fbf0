import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Refusal } from '@flux/contracts';
import { answerProblemAfterTurn, clientIpOf } from '@flux/http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AccessLists } from '../access/access-lists';
import { noteTaking, setLimitHeaders } from './limit-answer';
import { RateLimits } from './rate-limits';

const DENIED: Refusal = { code: 'forbidden', detail: 'Requests from here are not answered.', extra: {} };

/**
 * The limits of addresses, networks and routes, whatever is asked for, judged before the body is read; whoever is on the
 * deny list gets nothing, whoever is on the allow list has no such limits. Probes are not counted. A hook over all routes,
 * and all of a request's limits at once: the guard of `@nestjs/throttler` would look up what applies, and wait for one
 * after the other.
 */
@Injectable()
export class RateLimitHook implements OnModuleInit {
  constructor(
    private readonly adapters: HttpAdapterHost,
    private readonly limits: RateLimits,
    private readonly access: AccessLists,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', (request, reply, done) => {
      const refusal = this.check(request);
      if (refusal === undefined) done();
      else answerProblemAfterTurn(reply, refusal);
    });
    fastify.addHook('onSend', (request, reply, _payload, done) => {
      const takings = request.facts?.takings;
      if (takings !== undefined) setLimitHeaders(reply, takings);
      done();
    });
  }

  private check(request: FastifyRequest): Refusal | undefined {
    const route = request.routeOptions.url;
    if (isProbe(route)) return undefined;
    const ip = clientIpOf(request);
    switch (this.access.ofAddress(ip)) {
      case 'deny':
        return DENIED;
      case 'allow':
        return undefined;
      case undefined:
        return noteTaking(
          request,
          this.limits.ofRequest(ip, request.method, route),
          'Too many requests from this address.',
        );
    }
  }
}

/** By the route that was matched, never by the address as it came. */
function isProbe(route: string | undefined): boolean {
  return route?.startsWith('/health/') === true;
}
