import { Controller, UseGuards, applyDecorators, createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '@flux/http';
import { OperatorGuard, ownerOf } from './key.guard';

/** Name of the security scheme in the OpenAPI document. */
export const OPERATOR_AUTH = 'operatorKey';

/** A controller behind the operator keys. Every route of the operator API is declared with it. */
export function OperatorController(path: string, tag: string): ClassDecorator {
  return applyDecorators(
    Controller(`admin/v1/${path}`),
    UseGuards(OperatorGuard),
    ApiTags(tag),
    ApiBearerAuth(OPERATOR_AUTH),
    ApiProblems('unauthenticated', 'forbidden', 'rate-limited'),
  );
}

/** The name of the operator who sent the request, for the audit log. */
export const Operator = createParamDecorator((_: unknown, context: ExecutionContext) => ownerOf(context));
