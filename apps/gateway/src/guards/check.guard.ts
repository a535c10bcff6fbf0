import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { ProblemError, type Refusal } from '@flux/contracts';
import { answerRefusalAfterTurn } from '../answer-refusal';
import type { FastifyRequest, preHandlerHookHandler } from 'fastify';

type Checked = Refusal | undefined;

/** A guard that stands in front of a controller's method, or, as a hook, in front of a Fastify route. */
export abstract class CheckGuard implements CanActivate {
  /** Why the request may go no further; undefined where it may. */
  abstract check(request: FastifyRequest): Checked | Promise<Checked>;

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const refusal = await this.check(context.switchToHttp().getRequest<FastifyRequest>());
    if (refusal !== undefined) throw new ProblemError(refusal.code, refusal.detail, refusal.extra);
    return true;
  }
}

/** The guard as a hook. It answers a refusal itself: an exception on its way through Nest's filter costs twice as much. */
export function hookOf(guard: CheckGuard): preHandlerHookHandler {
  return (request, reply, done) => {
    const go = (refusal: Checked): void => {
      if (refusal === undefined) done();
      else answerRefusalAfterTurn(reply, refusal);
    };
    const checked = guard.check(request);
    if (checked instanceof Promise) checked.then(go, done);
    else go(checked);
  };
}
