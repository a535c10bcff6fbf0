import { join } from 'node:path';

import { probeKafka } from './kafka-probe.mjs';
import { choosePorts, readPorts, writePorts } from './ports.mjs';
import { postgresPassword } from './postgres-server.mjs';
import { probeRedis } from './redis-probe.mjs';
import { redisUrl } from './redis-server.mjs';
import { SetUpError, run, succeeds } from './run.mjs';
import { probeTcp } from './tcp-probe.mjs';

/**
 * @typedef {import('./layout.mjs').StackLayout} StackLayout
 * @typedef {(line: string) => void} Log
 * @typedef {import('./machine.mjs').ServerName} ServerName
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
  };
  const file = join(layout.root, 'docker-compose.yml');
  return run('docker', ['compose', '-p', layout.composeProject, '-f', file, ...args], { env });
}

/**
 * Brings up servers with Docker Compose, whose health checks are real operations.
 *
 * @param {{ layout: StackLayout, names: ServerName[], log: Log }} options
 * @returns {Promise<import('./machine.mjs').Ports>}
 */
export async function startInDocker({ layout, names, log }) {
  const remembered = readPorts(layout.portsFile);
  const { stdout } = await compose(layout, ['ps', '--services', '--status', 'running'], remembered);
  const running = stdout.split('\n');
  // A running container holds its own port, which is then no reason to choose another.
  const starting = names.filter((name) => !running.includes(name));
  const ports = await choosePorts({ remembered, names: starting, log });
  writePorts(layout.portsFile, { ...ports, host: 'docker' });

  if (starting.length > 0)
    log(`docker compose up: ${starting.join(', ')} (the first time pulls their images)`);
  try {
    await compose(layout, ['up', '-d', '--wait', ...names], ports);
  } catch (error) {
    const logs = await compose(layout, ['logs', '--no-color', '--tail', '20', ...names], ports).catch(
      () => undefined,
    );
    throw new SetUpError(`${/** @type {Error} */ (error).message}\n${logs?.stdout ?? ''}`);
  }
  const published = /** @type {import('./machine.mjs').Ports} */ (ports);
  await checkPublished({ names, ports: published });
  return published;
}

/**
 * The health checks ran inside the containers; our programs come in through the published ports.
 *
 * @param {{ names: ServerName[], ports: import('./machine.mjs').Ports }} options
 */
async function checkPublished({ names, ports }) {
  const probes = {
    redis: () => probeRedis({ url: redisUrl(ports.redis), write: true }),
    kafka: () => probeKafka({ host: '127.0.0.1', port: ports.kafka }),
    postgres: () => probeTcp({ host: '127.0.0.1', port: ports.postgres }),
  };
  for (const name of names) {
    await probes[name]().catch((error) => {
      throw new SetUpError(
        `the container ${name} is healthy, but 127.0.0.1:${ports[name]} does not answer: ${error.message}`,
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
