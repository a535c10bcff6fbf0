import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { parseInput } from '@flux/http';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';

const emptySchema = z.strictObject({});

/** Is there nothing in the body, or nothing but `{}`? Else 400: what a caller sends must never be ignored. */
@Injectable()
export class NoBodyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { body } = context.switchToHttp().getRequest<FastifyRequest>();
    if (body !== undefined) parseInput(emptySchema, body);
    return true;
  }
}
