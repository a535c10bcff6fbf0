import type { Cluster, Redis } from 'ioredis';
import { classifyError, effectOf } from './classify-error';
import { GateUnavailableError } from './gate-error';
import type { RedisConnection } from './redis-connection';

/**
 * Plain commands beside the scripts. In Cluster the client library follows slots that move and masters that change.
 * @throws GateUnavailableError instead of whatever the client library throws
 */
export async function ask<Reply>(
  connection: RedisConnection,
  send: (client: Redis | Cluster) => Promise<Reply>,
): Promise<Reply> {
  if (!connection.isReady()) throw new GateUnavailableError('none', 'not connected');
  try {
    return await send(connection.client);
  } catch (error) {
    const failure = classifyError(error);
    throw new GateUnavailableError(effectOf(failure), failure.reason);
  }
}
