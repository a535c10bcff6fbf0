import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ProblemError } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { GATEWAY_CONFIG, originsOf, type GatewayConfig } from '../gateway.config';

/**
 * Streams are for pages of the shop's own and of the configured origins. A foreign page cannot read one (CORS), but its
 * visitors' browsers could be made to open many, each of which stays.
 */
@Injectable()
export class OriginGuard implements CanActivate {
  private readonly origins: readonly string[];

  constructor(@Inject(GATEWAY_CONFIG) config: GatewayConfig) {
    this.origins = originsOf(config.FLUX_CORS_ORIGINS);
  }

  canActivate(context: ExecutionContext): boolean {
    const { headers, host } = context.switchToHttp().getRequest<FastifyRequest>();
    const { origin } = headers;
    // Browsers leave it out where the page is of this origin; whatever is no browser leaves it out or lies.
    if (origin === undefined || this.origins.includes(origin) || hostOf(origin) === host) return true;
    throw new ProblemError('forbidden', 'Pages of this origin may not follow anything here.');
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
