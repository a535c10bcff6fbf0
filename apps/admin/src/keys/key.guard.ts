import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { ProblemError } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { type ApiKey, ownerOfKey } from './api-keys';

export const OPERATOR_KEYS = Symbol('OPERATOR_KEYS');
export const SERVICE_KEYS = Symbol('SERVICE_KEYS');

const owners = new WeakMap<FastifyRequest, string>();
const BEARER_PATTERN = /^Bearer +([\x21-\x7e]{1,512})$/i;

/** Lets a request in by `Authorization: Bearer <key>`, or ends it in 401; remembers whose key it was. */
abstract class KeyGuard implements CanActivate {
  /** @param keyName what the caller needs, in words */
  protected constructor(
    private readonly keys: readonly ApiKey[],
    private readonly keyName: string,
  ) {}

  canActivate(context: ExecutionContext): true {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const [, presented] = BEARER_PATTERN.exec(request.headers.authorization ?? '') ?? [];
    const name = presented === undefined ? undefined : ownerOfKey(this.keys, presented);
    if (name === undefined) {
      throw new ProblemError('unauthenticated', `This needs Authorization: Bearer <${this.keyName}>.`);
    }
    owners.set(request, name);
    return true;
  }
}

/** The operator API: shut for the keys of services. */
@Injectable()
export class OperatorGuard extends KeyGuard {
  constructor(@Inject(OPERATOR_KEYS) keys: readonly ApiKey[]) {
    super(keys, 'operator key');
  }
}

/** The shop-service API: shut for the keys of operators. */
@Injectable()
export class ServiceGuard extends KeyGuard {
  constructor(@Inject(SERVICE_KEYS) keys: readonly ApiKey[]) {
    super(keys, 'service key');
  }
}

/** The name of the key's owner. Only behind a guard. */
export function ownerOf(context: ExecutionContext): string {
  const name = owners.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (name === undefined) throw new Error('A route asks for the owner of the key without a guard.');
  return name;
}
