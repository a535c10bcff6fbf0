import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { probeRedis } from './redis-probe.mjs';

/** @param {number} port */
export function redisUrl(port) {
  return `redis://127.0.0.1:${port}`;
}

/**
 * @param {import('./layout.mjs').StackLayout} layout
 * @returns {import('./machine.mjs').Server}
 */
export function redisServer(layout) {
  const data = layout.dataOf('redis');
  const config = join(data, 'redis.conf');
  return {
    name: 'redis',
    title: 'Redis',
    identity: { program: 'redis-server', argument: config },
    portNames: ['redis'],
    stopSignal: 'SIGTERM',
    startMs: 60_000,
    prepare: async ({ ports, programs }) => {
      mkdirSync(data, { recursive: true });
      writeFileSync(config, redisConfig({ port: ports.redis, data }));
      return { file: programs.redis, args: [config] };
    },
    probe: ({ ports }) => probeRedis({ url: redisUrl(ports.redis), write: true }),
  };
}

/**
 * What the strict durability mode needs: an answer is given only when it is on disk, and nothing is ever evicted.
 *
 * @param {{ port: number, data: string }} options
 */
function redisConfig({ port, data }) {
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
    '',
  ].join('\n');
}
