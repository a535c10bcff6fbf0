import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ProblemError, purchaseBodySchema } from '@flux/contracts';
import { parseInput } from '@flux/http';
import type { FastifyRequest } from 'fastify';
import { readIdempotencyKey } from './idempotency-key';
import { factsOf } from './request-facts';

/** Is this a purchase at all? Key and body are read here and nowhere else. Sets `wish`; else 400. */
@Injectable()
export class PurchaseShapeGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const reading = readIdempotencyKey(request.headers);
    if (reading.outcome === 'refused') throw new ProblemError('invalid-idempotency-key', reading.detail);
    const body = parseInput(purchaseBodySchema, request.body);
    factsOf(request).wish = { ...body, idempotencyKey: reading.key };
    return true;
  }
}
