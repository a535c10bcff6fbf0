import type { Topology } from './world/installation';
import type { Durability } from './world/redis-servers';

/** What no seed of this topology covers. The rest of it is in docs/testing.md. */
export function notCovered({
  topology,
  durability,
}: {
  readonly topology: Topology;
  readonly durability: Durability;
}): readonly string[] {
  if (topology === 'cluster') {
    return [
      'networks, full disks and destroyed data: in a cluster processes and servers are killed and frozen only',
    ];
  }
  return [
    ...(durability === 'replicated' ? [] : ['failover and two masters (F3, F4): there is no replica']),
    'leader kills and log tails of several brokers (F18, F19), failover in Redis Cluster: one server of each kind',
  ];
}
