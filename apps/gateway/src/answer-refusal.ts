import type { Refusal } from '@flux/contracts';
import { answerProblem } from '@flux/http';
import type { FastifyReply } from 'fastify';

/** Answers a refused request. A browser that is to wait is led to the page for people. */
export function answerRefusal(reply: FastifyReply, refusal: Refusal): void {
  const pageUrl = refusal.extra.links?.['pageUrl'];
  if (pageUrl === undefined || !wantsPage(reply)) answerProblem(reply, refusal);
  else void reply.header('cache-control', 'no-store').redirect(pageUrl, 302);
}

/** The same at the end of the event loop's turn, as `answerProblemAfterTurn` does. */
export function answerRefusalAfterTurn(reply: FastifyReply, refusal: Refusal): void {
  setImmediate(answerRefusal, reply, refusal);
}

function wantsPage({ request }: FastifyReply): boolean {
  return request.headers.accept?.includes('text/html') === true;
}
