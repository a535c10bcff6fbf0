import { ask } from './ask';
import type { RedisConnection } from './redis-connection';

const SCAN_COUNT = 1_000;

/**
 * A hash's fields and values, without holding Redis up. A field that changes meanwhile may come twice.
 * @throws GateUnavailableError
 */
export async function* scanHash(
  connection: RedisConnection,
  key: string,
): AsyncGenerator<readonly [field: string, value: string]> {
  let cursor = '0';
  do {
    const at = cursor;
    const [next, flat] = await ask(connection, (client) => client.hscan(key, at, 'COUNT', SCAN_COUNT));
    for (let index = 0; index + 1 < flat.length; index += 2) yield [flat[index] ?? '', flat[index + 1] ?? ''];
    cursor = next;
  } while (cursor !== '0');
}
