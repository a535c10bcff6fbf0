import { CanActivate, ExecutionContext, Inject, Injectable, createParamDecorator } from '@nestjs/common';
import { ProblemError } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { type OperatorKey, operatorOfKey } from './operator-keys';

export const OPERATOR_KEYS = Symbol('OPERATOR_KEYS');

const operators = new WeakMap<FastifyRequest, string>();
const BEARER_PATTERN = /^Bearer +([\x21-\x7e]{1,512})$/i;

/** Lets a request in by `Authorization: Bearer <operator key>`, or ends it in 401; remembers whose key it was. */
@Injectable()
export class OperatorGuard implements CanActivate {
  constructor(@Inject(OPERATOR_KEYS) private readonly keys: readonly OperatorKey[]) {}

  canActivate(context: ExecutionContext): true {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const [, presented] = BEARER_PATTERN.exec(request.headers.authorization ?? '') ?? [];
    const name = presented === undefined ? undefined : operatorOfKey(this.keys, presented);
    if (name === undefined) {
      throw new ProblemError(
        'unauthenticated',
        'The operator API needs Authorization: Bearer <operator key>.',
      );
    }
    operators.set(request, name);
    return true;
  }
}

/** The name of the operator who sent the request, for the audit log. Only behind the guard. */
export const Operator = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const name = operators.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (name === undefined) throw new Error('A route uses @Operator() without the guard.');
  return name;
});
