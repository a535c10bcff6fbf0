import { Injectable } from '@nestjs/common';
import { purchaseBodySchema, type Refusal } from '@flux/contracts';
import { parseInput } from '@flux/http';
import type { FastifyRequest } from 'fastify';
import { CheckGuard } from './check.guard';
import { readIdempotencyKey } from './idempotency-key';
import { factsOf } from './request-facts';

/** Is this a purchase at all? Key and body are read here and nowhere else. Sets `wish`; else 400. */
@Injectable()
export class PurchaseShapeGuard extends CheckGuard {
  /** @throws ProblemError `invalid-request` for the body */
  override check(request: FastifyRequest): Refusal | undefined {
    const reading = readIdempotencyKey(request.headers);
    if (reading.outcome === 'refused')
      return { code: 'invalid-idempotency-key', detail: reading.detail, extra: {} };
    const { productId, saleId, quantity } = parseInput(purchaseBodySchema, request.body);
    const pass = request.headers['x-pass'];
    factsOf(request).wish = {
      productId,
      saleId,
      quantity,
      idempotencyKey: reading.key,
      // Node joins a header that is sent twice: no pass looks like that.
      pass: pass === undefined ? undefined : String(pass),
    };
    return undefined;
  }
}
