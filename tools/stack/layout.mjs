import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SetUpError } from './run.mjs';

/** The folder of this clone. */
export const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));

export const STACK_NAMES = ['dev', 'test', 'cluster'];

/**
 * Where one stack keeps what is its own. Nothing is created here.
 *
 * @param {string} name
 * @param {string} [root]
 */
export function stackLayout(name, root = ROOT) {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name)) throw new SetUpError(`not a stack's name: ${name}`);
  const folder = join(root, '.stack', name);
  return {
    name,
    root,
    folder,
    portsFile: join(folder, 'ports.json'),
    passwordFile: join(folder, 'postgres-password'),
    redisPasswordsFile: join(folder, 'redis-passwords.json'),
    kafkaClusterIdFile: join(folder, 'kafka-cluster-id'),
    redisClusterMadeFile: join(folder, 'redis-cluster-made'),
    lockFile: join(root, '.stack', `${name}.lock`),
    logs: join(folder, 'logs'),
    kafkaLibs: join(root, '.stack', 'kafka-libs'),
    // Compose keeps its volumes by project name, so two clones and two stacks must differ in it.
    composeProject: `flux-gate-${name}-${createHash('sha256').update(root).digest('hex').slice(0, 8)}`,
    /** @param {string} server */
    dataOf: (server) => join(folder, server),
    /** @param {string} server */
    logOf: (server) => join(folder, 'logs', `${server}.log`),
    /** @param {string} server */
    pidFileOf: (server) => join(folder, `${server}.pid`),
  };
}

/** @typedef {ReturnType<typeof stackLayout>} StackLayout */
