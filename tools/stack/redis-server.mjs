import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { probeRedis } from './redis-probe.mjs';
import { asUser, redisPasswords, redisUsers } from './redis-users.mjs';

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
      'masteruser flux-dev',
      `masterauth ${redisPasswords(layout).dev}`,
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
  const users = join(data, 'users.acl');
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
      writeFileSync(users, redisUsers(layout), { mode: 0o600 });
      writeFileSync(config, redisConfig({ port: ports[name], data, users, settings: settings(ports) }), {
        mode: 0o600,
      });
      return { file: programs.redis, args: [config] };
    },
    probe: ({ ports }) => probeRedis({ url: devUrl(layout, ports[name]), write }),
  };
}

/**
 * As the user has it who may do everything.
 *
 * @param {import('./layout.mjs').StackLayout} layout
 * @param {number | undefined} port
 */
export function devUrl(layout, port) {
  return asUser(redisUrl(port), { name: 'dev', passwords: redisPasswords(layout) });
}

/**
 * What the strict durability mode needs: an answer is given only when it is on disk, and nothing is ever evicted.
 *
 * @param {{ port: number | undefined, data: string, users: string, settings: string[] }} options
 */
function redisConfig({ port, data, users, settings }) {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir "${data}"`,
    `aclfile "${users}"`,
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
