import { join } from 'node:path';

import { probeKafka } from './kafka-probe.mjs';
import { choosePorts, readPorts, writePorts } from './ports.mjs';
import { postgresPassword } from './postgres-server.mjs';
import { probeRedis } from './redis-probe.mjs';
import { devUrl } from './redis-server.mjs';
import { redisPasswords } from './redis-users.mjs';
import { SetUpError, run, succeeds } from './run.mjs';
import { probeTcp } from './tcp-probe.mjs';

/**
 * @typedef {import('./layout.mjs').StackLayout} StackLayout
 * @typedef {(line: string) => void} Log
 * @typedef {import('./machine.mjs').ServerKind} ServerKind
 */

const ENGINE_MS = 5_000;

/** @returns {Promise<boolean>} whether an engine answers and has compose */
export async function dockerAnswers() {
  // Without a running engine `docker info` may wait for long, and says it by its exit status alone.
  const checks = [['info'], ['compose', 'version']];
  const answers = await Promise.all(checks.map((args) => succeeds('docker', args, { timeoutMs: ENGINE_MS })));
  return answers.every(Boolean);
}

/**
 * @param {StackLayout} layout
 * @param {string[]} args
 * @param {import('./ports.mjs').RememberedPorts} ports
 */
function compose(layout, args, ports) {
  const env = {
    ...process.env,
    FLUX_COMPOSE_REDIS_PORT: String(ports.redis ?? ''),
    FLUX_COMPOSE_KAFKA_PORT: String(ports.kafka ?? ''),
    FLUX_COMPOSE_POSTGRES_PORT: String(ports.postgres ?? ''),
    FLUX_COMPOSE_POSTGRES_PASSWORD: postgresPassword(layout),
    ...composePasswords(layout),
  };
  const file = join(layout.root, 'docker-compose.yml');
  return run('docker', ['compose', '-p', layout.composeProject, '-f', file, ...args], { env });
}

/**
 * The passwords of Redis' users, as docker-compose.yml takes them.
 *
 * @param {StackLayout} layout
 */
function composePasswords(layout) {
  const passwords = Object.entries(redisPasswords(layout));
  return Object.fromEntries(
    passwords.map(([name, password]) => [`FLUX_COMPOSE_REDIS_${name.toUpperCase()}_PASSWORD`, password]),
  );
}

/**
 * Brings up servers with Docker Compose, whose health checks are real operations.
 *
 * @param {{ layout: StackLayout, kinds: ServerKind[], log: Log }} options
 * @returns {Promise<import('./ports.mjs').Ports>}
 */
export async function startInDocker({ layout, kinds, log }) {
  const remembered = readPorts(layout.portsFile);
  const { stdout } = await compose(layout, ['ps', '--services', '--status', 'running'], remembered);
  const running = stdout.split('\n');
  // A running container holds its own port, which is then no reason to choose another.
  const starting = kinds.filter((kind) => !running.includes(kind));
  const ports = await choosePorts({ remembered, names: starting, log });
  writePorts(layout.portsFile, { ...ports, host: 'docker' });

  if (starting.length > 0)
    log(`docker compose up: ${starting.join(', ')} (the first time pulls their images)`);
  try {
    await compose(layout, ['up', '-d', '--wait', ...kinds], ports);
  } catch (error) {
    const logs = await compose(layout, ['logs', '--no-color', '--tail', '20', ...kinds], ports).catch(
      () => undefined,
    );
    throw new SetUpError(`${/** @type {Error} */ (error).message}\n${logs?.stdout ?? ''}`);
  }
  await checkPublished({ layout, kinds, ports });
  return ports;
}

/**
 * The health checks ran inside the containers; our programs come in through the published ports.
 *
 * @param {{ layout: StackLayout, kinds: ServerKind[], ports: import('./ports.mjs').Ports }} options
 */
async function checkPublished({ layout, kinds, ports }) {
  const probes = {
    redis: () => probeRedis({ url: devUrl(layout, ports.redis), write: true }),
    kafka: () => probeKafka({ host: '127.0.0.1', port: ports.kafka ?? 0, brokerId: 1 }),
    postgres: () => probeTcp({ host: '127.0.0.1', port: ports.postgres ?? 0 }),
  };
  for (const kind of kinds) {
    await probes[kind]().catch((error) => {
      throw new SetUpError(
        `the container ${kind} is healthy, but 127.0.0.1:${ports[kind]} does not answer: ${error.message}`,
      );
    });
  }
}

/**
 * Stops and removes the containers; their volumes stay unless they are to be forgotten.
 *
 * @param {{ layout: StackLayout, forget: boolean }} options
 */
export function stopInDocker({ layout, forget }) {
  return compose(layout, ['down', ...(forget ? ['-v'] : [])], readPorts(layout.portsFile));
}

/** @param {StackLayout} layout */
export async function servicesInDocker(layout) {
  const { stdout } = await compose(
    layout,
    ['ps', '--services', '--status', 'running'],
    readPorts(layout.portsFile),
  );
  return stdout.split('\n').filter(Boolean);
}
