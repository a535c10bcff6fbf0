import { Controller, UseGuards, applyDecorators, createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '@flux/http';
import { ServiceGuard, ownerOf } from './key.guard';

/** Name of the security scheme in the OpenAPI document. */
export const SERVICE_AUTH = 'serviceKey';

/** A controller behind the service keys. Every route of the shop-service API is declared with it. */
export function ServiceController(path: string, tag: string): ClassDecorator {
  return applyDecorators(
    Controller(`shop/v1/${path}`),
    UseGuards(ServiceGuard),
    ApiTags(tag),
    ApiBearerAuth(SERVICE_AUTH),
    ApiProblems('unauthenticated', 'forbidden', 'rate-limited'),
  );
}

/** The name of the service that sent the request. */
export const Service = createParamDecorator((_: unknown, context: ExecutionContext) => ownerOf(context));
