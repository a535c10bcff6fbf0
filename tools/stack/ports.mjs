import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';

/**
 * What a stack remembers over restarts: its servers, where their data lives, and their ports by name, such as `redis`,
 * `kafka-2` or `kafka-2-controller`.
 *
 * @typedef {Record<string, number | undefined>} Ports
 * @typedef {{ host?: 'machine' | 'docker', topology?: import('./topology.mjs').Topology } & Ports} RememberedPorts
 */

// Below 32768, where Linux begins to take the ports of outgoing connections.
const LOWEST_BASE = 20_000;
const HIGHEST_BASE = 32_000;
const RANGE = 20;

/**
 * @param {string} file
 * @returns {RememberedPorts}
 */
export function readPorts(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}

/**
 * @param {string} file
 * @param {RememberedPorts} ports
 */
export function writePorts(file, ports) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(ports, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/**
 * @param {number} port
 * @param {string} [host]
 * @returns {Promise<string | undefined>} nothing for a free port, else why not, such as EADDRINUSE
 */
export function whyNotFree(port, host = '127.0.0.1') {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (/** @type {NodeJS.ErrnoException} */ error) =>
      resolve(error.code ?? error.message),
    );
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** @param {number} port */
async function isFree(port) {
  return (await whyNotFree(port)) === undefined;
}

/**
 * Gives each name a port: the remembered one while it is free, else another of the stack's own range.
 *
 * @param {{ remembered: RememberedPorts, names: string[], log: (line: string) => void }} options
 *   `names` are those of servers that are about to start
 * @returns {Promise<RememberedPorts>}
 */
export async function choosePorts({ remembered, names, log }) {
  const ports = { ...remembered };
  for (const name of names) {
    const before = ports[name];
    if (before && (await isFree(before))) continue;
    ports[name] = await pickPort(ports);
    if (before) log(`port ${before} (${name}) is taken by another program: using ${ports[name]} from now on`);
  }
  return ports;
}

/** @param {RememberedPorts} ports */
async function pickPort(ports) {
  const given = new Set(Object.values(ports));
  for (;;) {
    ports.base ??= LOWEST_BASE + RANGE * randomInt((HIGHEST_BASE - LOWEST_BASE) / RANGE);
    for (let port = ports.base; port < ports.base + RANGE; port++) {
      if (!given.has(port) && (await isFree(port))) return port;
    }
    ports.base = undefined;
  }
}
