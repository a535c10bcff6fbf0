import { basename, join } from 'node:path';

import { SetUpError } from '../stack/run.mjs';
import { whyNotFree } from '../stack/ports.mjs';

/**
 * One process of Flux-Gate.
 *
 * @typedef {object} App
 * @property {import('../stack/redis-users.mjs').AppName} name
 * @property {string} as tells processes of the same app apart
 * @property {number} [niceness] above 0 where no request waits for it: those that answer go first on few cores
 * @property {Listener} ready whose /health/ready tells that it is ready
 * @property {Listener} metrics
 *
 * @typedef {object} Listener
 * @property {string} portVariable
 * @property {string} hostVariable
 * @property {number} defaultPort
 * @property {number} above how far its port lies above the one of the variable
 */

const LOOPBACK = '127.0.0.1';

/** @type {Record<'shop' | 'operator' | 'gatewayManagement' | 'relayManagement' | 'ordersManagement', Listener>} */
export const LISTENERS = {
  shop: { portVariable: 'FLUX_GATEWAY_PORT', hostVariable: 'FLUX_GATEWAY_HOST', defaultPort: 3000, above: 0 },
  operator: { portVariable: 'FLUX_ADMIN_PORT', hostVariable: 'FLUX_ADMIN_HOST', defaultPort: 3001, above: 0 },
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
  { name: 'gateway', as: 'gateway', ready: LISTENERS.shop, metrics: LISTENERS.gatewayManagement },
  {
    name: 'relay',
    as: 'relay',
    niceness: 10,
    ready: LISTENERS.relayManagement,
    metrics: LISTENERS.relayManagement,
  },
  {
    name: 'orders',
    as: 'orders',
    niceness: 10,
    ready: LISTENERS.ordersManagement,
    metrics: LISTENERS.ordersManagement,
  },
  { name: 'admin', as: 'admin', ready: LISTENERS.operator, metrics: LISTENERS.operator },
];

/** The ports of the second process of each app lie so far above those of the first. */
const SECOND_ABOVE = 10;

/** @type {Record<import('../stack/topology.mjs').Topology, App[]>} */
export const APPS_OF = { single: APPS, cluster: APPS.flatMap((app) => [app, secondOf(app)]) };

/**
 * @param {App} app
 * @returns {App}
 */
function secondOf(app) {
  const ready = { ...app.ready, above: SECOND_ABOVE };
  const metrics = app.metrics === app.ready ? ready : { ...app.metrics, above: SECOND_ABOVE };
  return { ...app, as: `${app.name}-2`, ready, metrics };
}

/**
 * @param {string} portVariable
 * @param {number} defaultPort
 * @returns {Listener}
 */
function management(portVariable, defaultPort) {
  return { portVariable, hostVariable: 'FLUX_MANAGEMENT_HOST', defaultPort, above: 0 };
}

/**
 * @param {Listener} listener
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ host: string, port: number }}
 * @throws {SetUpError} naming a variable that holds no port
 */
export function addressOf({ portVariable, hostVariable, defaultPort, above }, env) {
  const port = Number(env[portVariable] || defaultPort) + above;
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
 * @param {App} app
 * @param {NodeJS.ProcessEnv} env of the system
 * @returns {NodeJS.ProcessEnv} with the ports of this process
 */
export function environmentOf({ ready, metrics }, env) {
  const ports = [ready, metrics].map((listener) => [
    listener.portVariable,
    String(addressOf(listener, env).port),
  ]);
  return { ...env, ...Object.fromEntries(ports) };
}

/**
 * @param {App[]} apps
 * @param {NodeJS.ProcessEnv} env
 * @throws {SetUpError} naming each port that cannot be had and the variable that changes it
 */
export async function refuseBusyPorts(apps, env) {
  const problems = [];
  const wantedBy = new Map();
  const listeners = new Set(apps.flatMap(({ ready, metrics }) => [ready, metrics]));
  for (const listener of listeners) {
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
 * @param {{ name: string, as?: string, niceness?: number }} app
 * @param {import('../stack/layout.mjs').StackLayout} layout
 * @param {string} [as] tells processes of the same app apart
 */
export function processOf(app, layout, as = app.as ?? app.name) {
  const { name, niceness } = app;
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
