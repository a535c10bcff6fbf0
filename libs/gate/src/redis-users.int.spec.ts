import { asRedisUser, startRedis, type RedisServer } from '@flux/testing';
import { Redis } from 'ioredis';
import { itemKeys } from './gate-keys';

const ITEM = itemKeys({ saleId: 'sale', productId: 'product' });
const OTHER_KEY = 'somebody-elses';
const WRITES = (key: string, command = 'SET') => `return redis.call('${command}', '${key}', '1')`;

/** What none of our processes ever does to Redis. */
const FOR_NOBODY: readonly (readonly string[])[] = [
  ['FLUSHALL'],
  ['FLUSHDB'],
  ['CONFIG', 'SET', 'appendonly', 'no'],
  ['CONFIG', 'REWRITE'],
  ['DEBUG', 'SLEEP', '0'],
  ['KEYS', '*'],
  ['SCAN', '0'],
  ['SHUTDOWN', 'NOSAVE'],
  ['ACL', 'SETUSER', 'eve', 'on', 'nopass', '~*', '+@all'],
  ['ACL', 'WHOAMI'],
  ['MODULE', 'LIST'],
  ['SCRIPT', 'FLUSH'],
  ['SCRIPT', 'KILL'],
  ['FUNCTION', 'LIST'],
  ['CLIENT', 'LIST'],
  ['CLIENT', 'KILL', 'TYPE', 'normal'],
  ['REPLICAOF', 'NO', 'ONE'],
  ['CLUSTER', 'RESET'],
  ['FAILOVER'],
  ['BGREWRITEAOF'],
  ['SAVE'],
  ['MONITOR'],
  ['SWAPDB', '0', '1'],
  ['MIGRATE', '127.0.0.1', '1', 'x', '0', '1'],
  ['RESTORE', OTHER_KEY, '0', 'x'],
  ['SORT', ITEM.orders],
  ['RENAME', ITEM.stock, OTHER_KEY],
  ['SUBSCRIBE', 'somebody-elses-channel'],
  ['PSUBSCRIBE', '*'],
  ['PUBLISH', 'somebody-elses-channel', 'x'],
  ['GET', OTHER_KEY],
  ['SET', OTHER_KEY, 'x'],
  ['EVAL', WRITES(OTHER_KEY), '1', OTHER_KEY],
  ['EVAL', WRITES(OTHER_KEY), '0'],
  ['EVAL', "return redis.call('CONFIG', 'SET', 'appendonly', 'no')", '0'],
  ['EVAL', "return redis.call('FLUSHALL')", '0'],
];

/** What one process does and another must not. */
const FOR_OTHERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  gateway: [
    ['SADD', 'outboxes', 'x'],
    ['DEL', ITEM.outbox],
    ['XTRIM', ITEM.outbox, 'MAXLEN', '0'],
    ['UNLINK', ITEM.orders],
    ['HDEL', ITEM.orders, 'order'],
    ['SET', ITEM.stock, '1000000'],
    ['INCRBY', ITEM.stock, '1000000'],
    ['EVAL', WRITES(ITEM.stock), '1', ITEM.stock],
    ['EVAL', WRITES(ITEM.stock, 'INCRBY'), '1', ITEM.stock],
    ['SET', 'sale:sale', '{}'],
    ['HSET', 'catalogue', '.', '1'],
    ['HSET', 'access', 'lists', '{}'],
    ['PUBLISH', ITEM.channel, 'stock'],
    ['HGETALL', '{shares:sale}:network'],
  ],
  relay: [
    ['SADD', 'outboxes', 'x'],
    ['XADD', ITEM.outbox, '*', 'a', 'b'],
    ['XTRIM', ITEM.outbox, 'MAXLEN', '0'],
    ['GET', ITEM.stock],
    ['HGET', ITEM.orders, 'order'],
    ['HSET', ITEM.item, 'state', 'closed'],
    ['EVAL', "return redis.call('HSET', KEYS[1], 'state', 'closed')", '1', ITEM.item],
    ['GET', 'sale:sale'],
    ['HGETALL', 'catalogue'],
    ['GET', '{room:sale}:config'],
    ['PUBLISH', ITEM.channel, 'stock'],
    ['SUBSCRIBE', ITEM.channel],
  ],
  orders: [
    ['SADD', 'outboxes', 'x'],
    ['SET', ITEM.stock, '1000000'],
    ['DECRBY', ITEM.stock, '1'],
    ['XADD', ITEM.outbox, '*', 'a', 'b'],
    ['UNLINK', ITEM.orders],
    ['HDEL', ITEM.orders, 'order'],
    ['SET', 'sale:sale', '{}'],
    ['HGETALL', 'catalogue'],
    ['HGET', 'access', 'lists'],
    ['GET', '{room:sale}:config'],
    ['GET', 'challenge:x'],
  ],
  admin: [
    ['XADD', ITEM.outbox, '*', 'a', 'b'],
    ['GET', 'challenge:x'],
    ['SET', 'challenge:x', '1'],
    ['HINCRBY', 'refusals:sale', 'sold-out', '1'],
    ['HINCRBY', '{shares:sale}:network', 'source', '1'],
    ['SUBSCRIBE', ITEM.channel],
  ],
};

/** What each does all day: the users are for them. */
const FOR_THEM: Readonly<Record<string, readonly (readonly string[])[]>> = {
  gateway: [
    ['PING'],
    ['CONFIG', 'GET', 'appendonly'],
    ['EVAL', "return redis.call('HGET', KEYS[1], 'state')", '1', ITEM.item],
    ['SET', 'challenge:x', '1', 'PX', '1000', 'NX', 'GET'],
  ],
  relay: [
    ['SMEMBERS', 'outboxes'],
    ['XRANGE', ITEM.outbox, '-', '+'],
    ['CONFIG', 'GET', 'appendonly'],
  ],
  orders: [
    ['SMEMBERS', 'outboxes'],
    ['PUBLISH', ITEM.channel, 'stock'],
    ['CONFIG', 'GET', 'appendonly'],
  ],
  admin: [
    ['SADD', 'outboxes', 'x'],
    ['SET', 'sale:sale', '{}'],
    ['HGETALL', 'refusals:sale'],
    ['CONFIG', 'GET', 'appendonly'],
  ],
};

describe('S39: the users of deploy/redis/users.acl', () => {
  let redis: RedisServer;
  const clients: Redis[] = [];

  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await redis.remove();
  });

  function connect(url: string): Redis {
    const client = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  }

  const answerOf = (client: Redis, [command = '', ...args]: readonly string[]): Promise<unknown> =>
    client.call(command, ...args).then(
      () => 'allowed',
      (error: unknown) => (error instanceof Error ? error.message : error),
    );

  describe.each(Object.keys(FOR_THEM))('flux-%s', (app) => {
    it.each([...FOR_NOBODY, ...(FOR_OTHERS[app] ?? [])].map((words) => [words.join(' '), words] as const))(
      'may not %s',
      async (_name, words) => {
        // Redis says NOPERM to a command, and in a script that the user or the script may not.
        expect(await answerOf(connect(asRedisUser(redis.url, app)), words)).toMatch(
          /NOPERM|(ACL|permission|can't run|not allowed|can't access)/i,
        );
      },
    );

    it.each((FOR_THEM[app] ?? []).map((words) => [words.join(' '), words] as const))(
      'may %s',
      async (_name, words) => {
        expect(await answerOf(connect(asRedisUser(redis.url, app)), words)).toBe('allowed');
      },
    );

    it('hears of items only where it listens to them', async () => {
      const subscribed = connect(asRedisUser(redis.url, app)).subscribe(ITEM.channel);
      if (app === 'gateway') expect(await subscribed).toBe(1);
      else await expect(subscribed).rejects.toThrow('NOPERM');
    });

    it('comes in with its own password alone', async () => {
      const url = new URL(asRedisUser(redis.url, app));
      url.password = 'another';
      await expect(connect(url.href).ping()).rejects.toThrow();
    });
  });
});
