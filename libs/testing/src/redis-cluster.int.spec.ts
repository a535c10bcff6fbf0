import { readFileSync } from 'node:fs';
import { startRedisCluster } from './redis-cluster';

/** Of this test process, by process id. */
function redisServers(): string[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'latin1').trim();
  const comm = (pid: string): string => readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  return children.split(' ').filter((pid) => pid !== '' && comm(pid) === 'redis-server');
}

it('a cluster that cannot be formed leaves no node behind', async () => {
  const before = redisServers();
  const cluster = startRedisCluster({ config: { 'cluster-enabled': 'no' } });
  await expect(cluster).rejects.toThrow('cluster support disabled');
  expect(redisServers()).toEqual(before);
});
