import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { answerProblemAfterTurn, jitteredSeconds } from '@flux/http';
import { normalizeIp } from '@nestjs/throttler';
import type { FastifyInstance } from 'fastify';
import { GATEWAY_CONFIG, type GatewayConfig } from '../gateway.config';
import { AddressLimitStorage } from './address-limit.storage';

/**
 * At most so many requests from one address in a window, whatever they ask for, judged before the body is read. An
 * IPv6 address counts by its /64. Probes are not counted. A hook over all routes instead of the guard of
 * `@nestjs/throttler`, which looks up at each request what its limits might be on that route.
 */
@Injectable()
export class AddressLimitHook implements OnModuleInit {
  private readonly storage = new AddressLimitStorage();

  constructor(
    private readonly adapters: HttpAdapterHost,
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
  ) {}

  onModuleInit(): void {
    const { FLUX_ADDRESS_LIMIT: limit, FLUX_ADDRESS_WINDOW_MS: windowMs } = this.config;
    const fastify = this.adapters.httpAdapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', (request, reply, done) => {
      if (isProbe(request.routeOptions.url)) {
        done();
        return;
      }
      const { isBlocked, secondsLeft } = this.storage.increment(normalizeIp(request.ip), windowMs, limit);
      if (!isBlocked) {
        done();
        return;
      }
      answerProblemAfterTurn(reply, {
        code: 'rate-limited',
        detail: 'Too many requests from this address.',
        extra: { retryAfterSeconds: jitteredSeconds(secondsLeft) },
      });
    });
  }
}

/** By the route that was matched, never by the address as it came. */
function isProbe(route: string | undefined): boolean {
  return route?.startsWith('/health/') === true;
}
