import { accessListsSchema, type PublishedAccessLists } from '@flux/contracts';
import { ask } from './ask';
import { ACCESS_KEY } from './gate-keys';
import type { RedisConnection } from './redis-connection';
import { readStored } from './stored-json';

/**
 * The rules of access that the admin process publishes from PostgreSQL for all gateways. All methods throw
 * GateUnavailableError where Redis cannot be asked.
 */
export class AccessListStore {
  constructor(private readonly connection: RedisConnection) {}

  /** Tells whether anything changed without the rules themselves; undefined while nothing is published. */
  async version(): Promise<string | undefined> {
    return (await ask(this.connection, (client) => client.hget(ACCESS_KEY, 'version'))) ?? undefined;
  }

  /** @throws UnexpectedReplyError where the key holds something else */
  async read(): Promise<PublishedAccessLists | undefined> {
    const text = await ask(this.connection, (client) => client.hget(ACCESS_KEY, 'lists'));
    return text === null ? undefined : readStored(accessListsSchema, text, 'the published rules of access');
  }

  async write(lists: PublishedAccessLists): Promise<void> {
    const fields = { version: lists.version, lists: JSON.stringify(lists) };
    await ask(this.connection, (client) => client.hset(ACCESS_KEY, fields));
  }
}
