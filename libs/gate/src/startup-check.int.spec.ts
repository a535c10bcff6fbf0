import {
  freePort,
  gateConfig,
  startRedis,
  startRedisCluster,
  waitUntil,
  type RedisServer,
} from '@flux/testing';
import { Logger } from '@nestjs/common';
import { checkRedisSettings, RedisConnection, UnsafeRedisError, type RedisConfig } from './index';

const servers: RedisServer[] = [];

async function start(config: Readonly<Record<string, string>> = {}, users = true): Promise<RedisServer> {
  const server = await startRedis({ config, users });
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

const FILE_WAIVED = { FLUX_WAIVE_REDIS_APPENDONLY: '1' } as const;
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
    'appendfsync is "everysec", must be "always" (or set FLUX_DURABILITY=fast or FLUX_WAIVE_REDIS_APPENDONLY=1 and accept the loss)',
    'maxmemory-policy is "allkeys-lru", must be "noeviction" (or set FLUX_WAIVE_REDIS_EVICTION=1 and accept the loss)',
  ]);
  expect(await problemsOf(gateConfig(url, FILE_WAIVED))).toEqual([
    expect.stringContaining('maxmemory-policy'),
  ]);
  expect(await problemsOf(gateConfig(url, WAIVED))).toEqual([]);
});

it.each([
  ['strict', 'everysec', /must be "always" \(or set FLUX_DURABILITY=fast or/],
  ['replicated', 'everysec', /must be "always" \(or set FLUX_DURABILITY=fast or/],
  ['fast', 'no', /must be "everysec" or "always" \(or set FLUX_WAIVE_REDIS_APPENDONLY=1/],
])('%s refuses appendfsync %s', async (mode, appendfsync, problem) => {
  const { url } = await start({ appendfsync });
  expect(await problemsOf(gateConfig(url, { FLUX_DURABILITY: mode }))).toEqual([
    expect.stringMatching(problem),
  ]);
});

it('fast takes appendfsync everysec, and always', async () => {
  const server = await start({ appendfsync: 'everysec' });
  const config = gateConfig(server.url, { FLUX_DURABILITY: 'fast' });
  expect(await problemsOf(config)).toEqual([]);
  await server.client.config('SET', 'appendfsync', 'always');
  expect(await problemsOf(config)).toEqual([]);
});

it('replicated starts on a master without a replica, and says so', async () => {
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const master = await start({ 'repl-diskless-sync-delay': '0' });
  const config = gateConfig(master.url, { FLUX_DURABILITY: 'replicated' });
  expect(await problemsOf(config)).toEqual([]);
  expect(warn.mock.calls).toEqual([[expect.stringContaining(`127.0.0.1:${master.port} has no replica`)]]);
  warn.mockClear();
  await start({ replicaof: `127.0.0.1 ${master.port}` });
  await waitUntil('the replica is there', async () =>
    (await master.client.info('replication')).includes('state=online'),
  );
  expect(await problemsOf(config)).toEqual([]);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

it('says so where CONFIG is forbidden', async () => {
  const { url } = await start({ 'rename-command': 'CONFIG ""' }, false);
  expect(await problemsOf(gateConfig(url))).toEqual([
    expect.stringMatching(
      /CONFIG GET is refused.*set FLUX_WAIVE_REDIS_APPENDONLY=1, FLUX_WAIVE_REDIS_EVICTION=1$/,
    ),
  ]);
  expect(await problemsOf(gateConfig(url, WAIVED))).toEqual([]);
  const guarded = await start({ user: 'default on nopass ~* &* +@all -config' }, false);
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
