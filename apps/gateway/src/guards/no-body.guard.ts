import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { parseInput } from '@flux/http';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

const emptySchema = z.strictObject({});

/** Is there nothing in the body, or nothing but `{}`? Else 400: what a caller sends must never be ignored. */
@Injectable()
export class NoBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    assertNoBody(context.switchToHttp().getRequest<FastifyRequest>().body);
    return true;
  }
}

/** @throws ProblemError `invalid-request` */
export function assertNoBody(body: unknown): void {
  if (body !== undefined) parseInput(emptySchema, body);
}
