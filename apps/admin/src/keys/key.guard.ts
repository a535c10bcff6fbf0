import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ProblemError } from '@flux/contracts';
import type { FastifyRequest } from 'fastify';
import { Keyring } from './keyring';
import { includesRole, NEEDED_ROLE, type Role, roleOfMethod } from './roles';

const owners = new WeakMap<FastifyRequest, string>();
const BEARER_PATTERN = /^Bearer +([\x21-\x7e]{1,512})$/i;
/** A shopper's token, which may be longer than any key. */
const JWT_PATTERN = /^Bearer +[\w-]+\.[\w-]+\.[\w-]+$/i;

/**
 * Lets a request in by `Authorization: Bearer <key>`, and remembers whose key it was. 401 where nobody is known by it; 403
 * where somebody is and may not, and for the token of a shopper, who is known elsewhere.
 */
abstract class KeyGuard implements CanActivate {
  /** @param keyName what the caller needs, in words */
  protected constructor(
    private readonly keyring: Keyring,
    private readonly keyName: string,
  ) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const { authorization = '' } = request.headers;
    const [, presented] = BEARER_PATTERN.exec(authorization) ?? [];
    const owner = presented === undefined ? undefined : await this.keyring.find(presented);
    if (owner === undefined) throw this.unknown(authorization);
    const needed = this.neededRole(context);
    if (!includesRole(owner.role, needed)) {
      throw new ProblemError('forbidden', `This needs the role ${needed}; the key has ${owner.role}.`);
    }
    owners.set(request, owner.name);
    return true;
  }

  protected abstract neededRole(context: ExecutionContext): Role;

  private unknown(authorization: string): ProblemError {
    return JWT_PATTERN.test(authorization)
      ? new ProblemError('forbidden', "A shopper's token opens nothing here.")
      : new ProblemError('unauthenticated', `This needs Authorization: Bearer <${this.keyName}>.`);
  }
}

/** The operator API: the role that the route names, else the one of its method. Shut for the keys of services. */
@Injectable()
export class OperatorGuard extends KeyGuard {
  constructor(
    keyring: Keyring,
    private readonly reflector: Reflector,
  ) {
    super(keyring, 'operator key');
  }

  protected override neededRole(context: ExecutionContext): Role {
    const { method } = context.switchToHttp().getRequest<FastifyRequest>();
    return this.reflector.get<Role | undefined>(NEEDED_ROLE, context.getHandler()) ?? roleOfMethod(method);
  }
}

/** The shop-service API: shut for the keys of operators. */
@Injectable()
export class ServiceGuard extends KeyGuard {
  constructor(keyring: Keyring) {
    super(keyring, 'service key');
  }

  protected override neededRole(): Role {
    return 'service';
  }
}

/** The name of the key's owner. Only behind a guard. */
export function ownerOf(context: ExecutionContext): string {
  const name = owners.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (name === undefined) throw new Error('A route asks for the owner of the key without a guard.');
  return name;
}
