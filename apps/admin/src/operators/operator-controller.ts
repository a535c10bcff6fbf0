import { Controller, UseGuards, applyDecorators } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { ApiProblems } from '@flux/http';
import { OperatorGuard } from './operator.guard';

/** Name of the security scheme in the OpenAPI document. */
export const OPERATOR_AUTH = 'operatorKey';

/** A controller behind the operator keys. Every route of the operator API is declared with it. */
export function OperatorController(path: string, tag: string): ClassDecorator {
  return applyDecorators(
    Controller(`admin/v1/${path}`),
    UseGuards(OperatorGuard),
    ApiTags(tag),
    ApiBearerAuth(OPERATOR_AUTH),
    ApiProblems('unauthenticated', 'internal-error'),
  );
}
