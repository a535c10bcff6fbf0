import { basename, join } from 'node:path';

import { SetUpError } from '../stack/run.mjs';
import { whyNotFree } from '../stack/ports.mjs';

/**
 * One process of Flux-Gate.
 *
 * @typedef {object} App
 * @property {string} name
 * @property {number} [niceness] above 0 where no request waits for it: those that answer go first on few cores
 * @property {Listener} ready whose /health/ready tells that it is ready
 * @property {Listener} metrics
 *
 * @typedef {{ portVariable: string, hostVariable: string, defaultPort: number }} Listener
 */

const LOOPBACK = '127.0.0.1';

/** @type {Record<'shop' | 'operator' | 'gatewayManagement' | 'relayManagement' | 'ordersManagement', Listener>} */
export const LISTENERS = {
  shop: { portVariable: 'FLUX_GATEWAY_PORT', hostVariable: 'FLUX_GATEWAY_HOST', defaultPort: 3000 },
  operator: { portVariable: 'FLUX_ADMIN_PORT', hostVariable: 'FLUX_ADMIN_HOST', defaultPort: 3001 },
  gatewayManagement: management('FLUX_GATEWAY_MANAGEMENT_PORT', 9400),
  relayManagement: management('FLUX_RELAY_MANAGEMENT_PORT', 9401),
  ordersManagement: management('FLUX_ORDERS_MANAGEMENT_PORT', 9402),
};

/**
 * In the order of a purchase, which is also the order to stop them: each has handed on its work when its turn comes.
 *
 * @type {App[]}
 */
export const APPS = [
  { name: 'gateway', ready: LISTENERS.shop, metrics: LISTENERS.gatewayManagement },
  { name: 'relay', niceness: 10, ready: LISTENERS.relayManagement, metrics: LISTENERS.relayManagement },
  { name: 'orders', niceness: 10, ready: LISTENERS.ordersManagement, metrics: LISTENERS.ordersManagement },
  { name: 'admin', ready: LISTENERS.operator, metrics: LISTENERS.operator },
];

/**
 * @param {string} portVariable
 * @param {number} defaultPort
 * @returns {Listener}
 */
function management(portVariable, defaultPort) {
  return { portVariable, hostVariable: 'FLUX_MANAGEMENT_HOST', defaultPort };
}

/**
 * @param {Listener} listener
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ host: string, port: number }}
 * @throws {SetUpError} naming a variable that holds no port
 */
export function addressOf({ portVariable, hostVariable, defaultPort }, env) {
  const port = Number(env[portVariable] || defaultPort);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new SetUpError(`${portVariable} is not a port`);
  return { host: env[hostVariable] || LOOPBACK, port };
}

/**
 * @param {Listener} listener
 * @param {NodeJS.ProcessEnv} env
 * @returns {string} where a program on this machine reaches it
 */
export function urlOf(listener, env) {
  const { host, port } = addressOf(listener, env);
  const reachable = host === '0.0.0.0' || host === '::' ? LOOPBACK : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @throws {SetUpError} naming each port that cannot be had and the variable that changes it
 */
export async function refuseBusyPorts(env) {
  const problems = [];
  const wantedBy = new Map();
  for (const listener of Object.values(LISTENERS)) {
    const { host, port } = addressOf(listener, env);
    const other = wantedBy.get(port);
    wantedBy.set(port, listener.portVariable);
    if (other) {
      problems.push(`${other} and ${listener.portVariable} are both ${port}`);
      continue;
    }
    const reason = await whyNotFree(port, host);
    if (reason)
      problems.push(`port ${port} ${explain(reason, host)}: choose another with ${listener.portVariable}`);
  }
  if (problems.length > 0) throw new SetUpError(problems.join('\n       '));
}

/**
 * @param {string} reason
 * @param {string} host
 */
function explain(reason, host) {
  return reason === 'EADDRINUSE' ? 'is taken by another program' : `cannot be opened on ${host} (${reason})`;
}

/**
 * How every process of Flux-Gate runs under Node. What a request leaves behind is garbage by the next collection where
 * the young generation is large enough: with Node's 16 MB much of it is copied first. Helpers of the collector would have
 * to wait for a core while the process waits for them.
 */
export const NODE_ARGS = ['--enable-source-maps', '--max-semi-space-size=32', '--single-threaded-gc'];

/**
 * How an app is started, found and stopped.
 *
 * @param {{ name: string, niceness?: number }} app
 * @param {import('../stack/layout.mjs').StackLayout} layout
 * @param {string} [as] tells processes of the same app apart
 */
export function processOf({ name, niceness }, layout, as = name) {
  const entry = join(layout.root, 'dist', 'apps', name, 'src', 'main.js');
  // The processes of another stack of this clone run the same entry: this argument, which nobody reads, is ours alone.
  const mark = `--of=${join(layout.folder, as)}`;
  return {
    file: process.execPath,
    args: [...NODE_ARGS, entry, mark],
    cwd: layout.root,
    niceness,
    identity: { program: basename(process.execPath), argument: mark },
    pidFile: layout.pidFileOf(as),
    logFile: layout.logOf(as),
  };
}
