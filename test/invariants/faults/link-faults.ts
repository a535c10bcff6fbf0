import { setTimeout as pause } from 'node:timers/promises';
import type { ProxyMode, Slowness, TcpProxy } from '@flux/testing';
import type { World } from '../world/world';
import type { Fault, Target } from './fault';

interface Link {
  readonly name: string;
  readonly breaks: readonly Target[];
  readonly of: (world: World) => TcpProxy;
}

const REDIS_OF_GATEWAYS: Link = {
  name: 'gateways - Redis',
  breaks: ['redis'],
  of: ({ redisLinks }) => redisLinks.gateway,
};
const REDIS_OF_ORDERS: Link = {
  name: 'orders - Redis',
  breaks: ['redis'],
  of: ({ redisLinks }) => redisLinks.orders,
};
const REDIS_OF_RELAYS: Link = {
  name: 'relays - Redis',
  breaks: ['redis'],
  of: ({ redisLinks }) => redisLinks.relay,
};
const REDIS_OF_ADMIN: Link = {
  name: 'admin - Redis',
  breaks: ['redis'],
  of: ({ redisLinks }) => redisLinks.admin,
};
const KAFKA_OF_RELAYS: Link = {
  name: 'relays - Kafka',
  breaks: ['kafka'],
  of: ({ servers }) => servers.kafkaLinks.relay,
};
const KAFKA_OF_ORDERS: Link = {
  name: 'orders - Kafka',
  breaks: ['kafka'],
  of: ({ servers }) => servers.kafkaLinks.orders,
};
const DATABASE_OF_ORDERS: Link = {
  name: 'orders - PostgreSQL',
  breaks: ['postgres'],
  of: ({ databaseLinks }) => databaseLinks.orders,
};
const DATABASE_OF_ADMIN: Link = {
  name: 'admin - PostgreSQL',
  breaks: ['postgres'],
  of: ({ databaseLinks }) => databaseLinks.admin,
};

export const linkFaults: readonly Fault[] = [
  ...[REDIS_OF_GATEWAYS, REDIS_OF_ORDERS, REDIS_OF_RELAYS, REDIS_OF_ADMIN].map((link) =>
    broken('F12', 'answers dropped', link, 'drop-answers', [400, 1_500]),
  ),
  ...[REDIS_OF_GATEWAYS, REDIS_OF_ORDERS].map((link) =>
    broken('F12', 'requests dropped', link, 'drop-requests', [400, 1_500]),
  ),
  broken('F12', 'answers late', REDIS_OF_GATEWAYS, 'hold-answers', [800, 2_000]),
  ...[REDIS_OF_GATEWAYS, REDIS_OF_RELAYS].map((link) =>
    broken('F12', 'half open', link, 'half-open', [800, 2_000]),
  ),
  ...[REDIS_OF_GATEWAYS, REDIS_OF_ORDERS, REDIS_OF_RELAYS].map((link) =>
    broken('F1', 'cut', link, 'cut', [300, 1_500]),
  ),
  slow('F13', 'latency', REDIS_OF_GATEWAYS, { latencyMs: 100, jitterMs: 200 }),
  slow('F13', 'bandwidth', REDIS_OF_GATEWAYS, { bytesPerSecond: 10_000 }),
  slow('F13', 'latency', REDIS_OF_ORDERS, { latencyMs: 100, jitterMs: 200 }),
  ...[KAFKA_OF_RELAYS, KAFKA_OF_ORDERS].map((link) => broken('F17', 'cut', link, 'cut', [800, 2_500])),
  broken('F15', 'acknowledgements dropped', KAFKA_OF_RELAYS, 'drop-answers', [600, 1_500]),
  broken('F27', 'cut', DATABASE_OF_ORDERS, 'cut', [500, 1_500]),
  // A commit whose answer is lost: the writer does not know whether it is in.
  broken('F27', 'answers dropped', DATABASE_OF_ORDERS, 'drop-answers', [500, 1_500]),
  broken('F27', 'answers dropped', DATABASE_OF_ADMIN, 'drop-answers', [500, 1_500]),
];

function broken(
  id: string,
  what: string,
  link: Link,
  ...[mode, lastsMs]: [ProxyMode, readonly [number, number]]
): Fault {
  return {
    id,
    name: `${what}: ${link.name}`,
    breaks: link.breaks,
    lastsMs,
    strike: async ({ world, lastsMs: waitMs }) => {
      const proxy = link.of(world);
      const { connections } = proxy;
      proxy.set(mode);
      await pause(waitMs);
      proxy.set('pass');
      return connections > 0 ? `${connections} connections for ${waitMs} ms` : undefined;
    },
  };
}

function slow(id: string, what: string, link: Link, slowness: Slowness): Fault {
  return {
    id,
    name: `${what}: ${link.name}`,
    breaks: link.breaks,
    lastsMs: [1_000, 2_500],
    strike: async ({ world, lastsMs }) => {
      const proxy = link.of(world);
      const { connections } = proxy;
      proxy.slowDown(slowness);
      await pause(lastsMs);
      proxy.slowDown();
      return connections > 0 ? `${connections} connections for ${lastsMs} ms` : undefined;
    },
  };
}
