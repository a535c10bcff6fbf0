import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { probeRedis } from './redis-probe.mjs';

/** @param {number | undefined} port */
export function redisUrl(port) {
  return `redis://127.0.0.1:${port}`;
}

/**
 * @param {import('./layout.mjs').StackLayout} layout
 * @returns {import('./machine.mjs').Server}
 */
export function redisServer(layout) {
  return redis(layout, { name: 'redis', title: 'Redis', settings: () => [], write: true });
}

/**
 * One node of a Redis Cluster, which serves once `joinRedisCluster` has made the nodes one.
 *
 * @param {import('./layout.mjs').StackLayout} layout
 * @param {number} number from 1
 * @returns {import('./machine.mjs').Server}
 */
export function redisNode(layout, number) {
  const name = `redis-${number}`;
  const bus = `${name}-bus`;
  return redis(layout, {
    name,
    title: `Redis ${number}`,
    morePorts: [bus],
    settings: (ports) => [
      'cluster-enabled yes',
      `cluster-port ${ports[bus]}`,
      'cluster-announce-ip 127.0.0.1',
      // How long a master is silent before its replica takes over: long enough for a busy machine.
      'cluster-node-timeout 5000',
    ],
    // A node alone takes no keys.
    write: false,
  });
}

/**
 * @param {import('./layout.mjs').StackLayout} layout
 * @param {{ name: string, title: string, morePorts?: string[], settings: (ports: import('./ports.mjs').Ports) => string[],
 *   write: boolean }} node
 * @returns {import('./machine.mjs').Server}
 */
function redis(layout, { name, title, morePorts = [], settings, write }) {
  const data = layout.dataOf(name);
  const config = join(data, 'redis.conf');
  return {
    name,
    kind: 'redis',
    title,
    identity: { program: 'redis-server', argument: config },
    portNames: [name, ...morePorts],
    stopSignal: 'SIGTERM',
    startMs: 60_000,
    prepare: async ({ ports, programs }) => {
      mkdirSync(data, { recursive: true });
      writeFileSync(config, redisConfig({ port: ports[name], data, settings: settings(ports) }));
      return { file: programs.redis, args: [config] };
    },
    probe: ({ ports }) => probeRedis({ url: redisUrl(ports[name]), write }),
  };
}

/**
 * What the strict durability mode needs: an answer is given only when it is on disk, and nothing is ever evicted.
 *
 * @param {{ port: number | undefined, data: string, settings: string[] }} options
 */
function redisConfig({ port, data, settings }) {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir "${data}"`,
    'daemonize no',
    // The process is recognised by its arguments, which a title would replace.
    'set-proc-title no',
    'appendonly yes',
    'appendfsync always',
    'maxmemory-policy noeviction',
    'save ""',
    ...settings,
    '',
  ].join('\n');
}
