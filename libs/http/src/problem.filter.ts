import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ERRORS, ProblemError } from '@flux/contracts';
import type { Log } from '@flux/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerProblem } from './answer-problem';
import type { RouteTable } from './route-table';
import { problemOfStatus, toProblem } from './to-problem';

/** Answers everything that is thrown, refused by Fastify or not found as problem+json. Logs what broke. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly log: Log,
    private readonly routes: RouteTable,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (request.is404) {
      this.answerUnrouted(request, reply);
      return;
    }
    const problem = toProblem(thrown);
    if (ERRORS[problem.code].status === 500) {
      this.log.error({ err: thrown, requestId: request.id }, 'a request broke');
    }
    answer(reply, problem);
  }

  /** The path exists under another method: 405, or for OPTIONS the list. Else 404. */
  private answerUnrouted(request: FastifyRequest, reply: FastifyReply): void {
    const allowed = this.routes.methodsOf(request.raw.url ?? '/');
    if (allowed.length === 0) {
      answer(reply, problemOfStatus(404));
      return;
    }
    reply.header('allow', allowed.join(', '));
    if (request.method === 'OPTIONS') reply.status(204).send();
    else answer(reply, problemOfStatus(405));
  }
}

function answer(reply: FastifyReply, problem: ProblemError): void {
  if (reply.sent || reply.raw.headersSent) reply.raw.destroy();
  else answerProblem(reply, problem);
}
