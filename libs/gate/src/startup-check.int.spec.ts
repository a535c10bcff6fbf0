import { freePort, gateConfig, startRedis, startRedisCluster, type RedisServer } from '@flux/testing';
import { checkRedisSettings, RedisConnection, UnsafeRedisError, type RedisConfig } from './index';

const servers: RedisServer[] = [];

async function start(config: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const server = await startRedis({ config });
  servers.push(server);
  return server;
}

afterAll(async () => {
  await Promise.all(servers.map((server) => server.remove()));
});

async function problemsOf(config: RedisConfig): Promise<readonly string[]> {
  const connection = new RedisConnection(config);
  try {
    await checkRedisSettings(connection, config);
    return [];
  } catch (error) {
    if (error instanceof UnsafeRedisError) return error.problems;
    throw error;
  } finally {
    connection.close();
  }
}

const FILE_WAIVED = { FLUX_WAIVE_REDIS_APPENDONLY: '1', FLUX_WAIVE_REDIS_APPENDFSYNC: '1' } as const;
const WAIVED = { ...FILE_WAIVED, FLUX_WAIVE_REDIS_EVICTION: '1' } as const;

it('passes a safe Redis', async () => {
  const { url } = await start();
  expect(await problemsOf(gateConfig(url))).toEqual([]);
});

it('names each unsafe setting and its waiver, and lets a waived one pass', async () => {
  const { url } = await start({
    appendonly: 'no',
    appendfsync: 'everysec',
    'maxmemory-policy': 'allkeys-lru',
  });
  expect(await problemsOf(gateConfig(url))).toEqual([
    'appendonly is "no", must be "yes" (or set FLUX_WAIVE_REDIS_APPENDONLY=1 and accept the loss)',
    'appendfsync is "everysec", must be "always" (or set FLUX_WAIVE_REDIS_APPENDFSYNC=1 and accept the loss)',
    'maxmemory-policy is "allkeys-lru", must be "noeviction" (or set FLUX_WAIVE_REDIS_EVICTION=1 and accept the loss)',
  ]);
  expect(await problemsOf(gateConfig(url, FILE_WAIVED))).toEqual([
    expect.stringContaining('maxmemory-policy'),
  ]);
  expect(await problemsOf(gateConfig(url, WAIVED))).toEqual([]);
});

it('says so where CONFIG is forbidden', async () => {
  const { url } = await start({ 'rename-command': 'CONFIG ""' });
  expect(await problemsOf(gateConfig(url))).toEqual([
    expect.stringMatching(
      /CONFIG GET is refused.*FLUX_WAIVE_REDIS_APPENDONLY=1, FLUX_WAIVE_REDIS_APPENDFSYNC=1/,
    ),
  ]);
  expect(await problemsOf(gateConfig(url, WAIVED))).toEqual([]);
  const guarded = await start({ user: 'default on nopass ~* &* +@all -config' });
  expect(await problemsOf(gateConfig(guarded.url))).toEqual([expect.stringContaining('NOPERM')]);
});

it('waits for a Redis that is not there yet, and ends its waiting when told', async () => {
  const unreachable = gateConfig(`redis://127.0.0.1:${await freePort()}`);
  const connection = new RedisConnection(unreachable);
  const abort = new AbortController();
  const check = checkRedisSettings(connection, unreachable, abort.signal);
  abort.abort(new Error('shutting down'));
  await expect(check).rejects.toThrow();
  expect(connection.isReady()).toBe(false);
  connection.close();

  const server = await start({ appendfsync: 'no' });
  await server.stop();
  const problems = problemsOf(gateConfig(server.url));
  await server.restart();
  expect(await problems).toEqual([expect.stringContaining('appendfsync')]);
});

it('asks every master of a cluster', async () => {
  const cluster = await startRedisCluster();
  servers.push(...cluster.nodes);
  const config = gateConfig(cluster.url, { FLUX_REDIS_MODE: 'cluster' });
  expect(await problemsOf(config)).toEqual([]);
  await cluster.nodes[2]?.client.config('SET', 'maxmemory-policy', 'volatile-lru');
  expect(await problemsOf(config)).toEqual([expect.stringContaining('volatile-lru')]);
});
