import { ProblemError } from '@flux/contracts';
import { GateUnavailableError } from '@flux/gate';
import { classifyFailure, describeFailure } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { KafkaJSError } from 'kafkajs';
import { type Observable, catchError } from 'rxjs';
import { TypeORMError } from 'typeorm';

type Dependency = 'PostgreSQL' | 'Redis' | 'Kafka';

/** Answers 503 where a server cannot be asked: an outage is not a defect, and passes. */
@Injectable()
export class DependencyFailureInterceptor implements NestInterceptor {
  constructor(@Inject(LOG) private readonly log: Log) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        const dependency = failedDependency(error);
        if (dependency === undefined) throw error;
        const { id: requestId } = context.switchToHttp().getRequest<FastifyRequest>();
        this.log.warn({ requestId, dependency, reason: describeFailure(error) }, 'a dependency failed');
        throw new ProblemError('temporarily-unavailable', `${dependency} does not answer; try again.`);
      }),
    );
  }
}

/** ioredis, where it is asked without the gate's client: the checks of an opening, the audit. */
const REDIS_NAME = /^(ReplyError|MaxRetriesPerRequestError|ClusterAllFailedError)$/;
const REDIS_MESSAGE = /^(Command timed out|Stream isn't writeable|Connection is closed)/;

/** The pg client's own errors: those of its sockets have a code, those of its pool and its time limits have none. */
const SOCKET_CODE = /^(ECONN|EHOST|ENET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN)/;
const POOL_MESSAGE =
  /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client )/;

/** The server whose outage an error tells of; undefined for everything else. */
export function failedDependency(error: unknown): Dependency | undefined {
  if (error instanceof GateUnavailableError) return 'Redis';
  if (error instanceof KafkaJSError) return 'Kafka';
  if (error instanceof TypeORMError) return classifyFailure(error) === 'transient' ? 'PostgreSQL' : undefined;
  if (!(error instanceof Error)) return undefined;
  if (REDIS_NAME.test(error.name) || REDIS_MESSAGE.test(error.message)) return 'Redis';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  // Bare SQLSTATEs come with a connection that is refused, as while the server starts up.
  const refused = /^(08|53|57)/.test(code);
  return refused || SOCKET_CODE.test(code) || POOL_MESSAGE.test(error.message) ? 'PostgreSQL' : undefined;
}
