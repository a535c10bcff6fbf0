import { mkdirSync } from 'node:fs';

import { fetchKafkaLibs, hasKafkaLibs } from './kafka-libs.mjs';
import { installPackages } from './packages.mjs';
import { choosePorts, readPorts, writePorts } from './ports.mjs';
import { postgresDataVersion } from './postgres-server.mjs';
import { findProcess, sendSignal, startDetached, stopProcess } from './processes.mjs';
import { findJava, findMaven, findPostgres, findRedis } from './programs.mjs';
import { SetUpError, describeLog, isInterrupted, pause } from './run.mjs';
import { TOPOLOGIES } from './topology.mjs';

/**
 * @typedef {import('./layout.mjs').StackLayout} StackLayout
 * @typedef {(line: string) => void} Log
 * @typedef {'redis' | 'kafka' | 'postgres'} ServerKind
 * @typedef {import('./ports.mjs').Ports} Ports
 * @typedef {{ redis: string, java: string, postgres: string }} Programs  `postgres` is the folder of its programs
 *
 * @typedef {object} Server what differs between the servers that this machine runs
 * @property {string} name tells servers of a kind apart, such as `kafka-2`; also the name of its port
 * @property {ServerKind} kind
 * @property {string} title
 * @property {import('./processes.mjs').Identity} identity
 * @property {string[]} portNames
 * @property {NodeJS.Signals} stopSignal asks for a clean end
 * @property {number} [niceness] above 0 where requests do not wait for it: they go first on a machine with few cores
 * @property {boolean} [needsPeers] cannot answer while too many others of its kind are down
 * @property {number} startMs longest time to the first answer, recovery after a crash included
 * @property {(context: { ports: Ports, programs: Programs, log: Log }) => Promise<{ file: string, args: string[] }>} prepare
 *   makes data folder and configuration, answers the command
 * @property {(context: { ports: Ports, programs: Programs }) => Promise<unknown>} probe a real operation
 */

const STOP_MS = 20_000;

// A running server that does not answer in this time is started again.
const REUSE_MS = 5_000;
// One that waits for its peers, which start meanwhile, has longer.
const REUSE_AMONG_PEERS_MS = 60_000;

/**
 * The servers of a stack's topology, as it was first brought up.
 *
 * @param {StackLayout} layout
 */
function allServers(layout) {
  return TOPOLOGIES[readPorts(layout.portsFile).topology ?? 'single'].servers(layout);
}

/**
 * Brings up servers of this machine, those that already run and answer as they are.
 *
 * @param {{ layout: StackLayout, topology: import('./topology.mjs').Topology, kinds: ServerKind[], log: Log }} options
 * @returns {Promise<Ports>}
 * @throws {SetUpError} with the log's path and last lines of a server that does not come up
 */
export async function startOnMachine({ layout, topology, kinds, log }) {
  mkdirSync(layout.logs, { recursive: true });
  const servers = TOPOLOGIES[topology].servers(layout).filter(({ kind }) => kinds.includes(kind));
  const programs = await findPrograms({ layout, kinds, log });
  const remembered = readPorts(layout.portsFile);
  const runs = (/** @type {Server} */ server) =>
    server.portNames.every((name) => remembered[name]) &&
    findProcess(server.identity, layout.pidFileOf(server.name)) !== undefined;
  const isPeerDown = servers.some((server) => server.needsPeers && !runs(server));
  const waiting = servers.filter((server) => isPeerDown && server.needsPeers && runs(server));
  const reused = await Promise.all(
    servers.map(
      (server) =>
        waiting.includes(server) ||
        reuse({ server, layout, programs, ports: remembered, log, patienceMs: REUSE_MS }),
    ),
  );
  const starting = servers.filter((_server, index) => !reused[index]);

  const portNames = starting.flatMap((server) => server.portNames);
  const ports = await choosePorts({ remembered, names: portNames, log });
  writePorts(layout.portsFile, { ...ports, host: 'machine', topology });
  const outcomes = await Promise.allSettled([
    ...starting.map((server) => start({ server, layout, programs, ports, log })),
    ...waiting.map(async (server) => {
      const context = { server, layout, programs, ports, log };
      if (!(await reuse({ ...context, patienceMs: REUSE_AMONG_PEERS_MS }))) await start(context);
    }),
  ]);
  const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (reasons.length > 1 && reasons.every((reason) => reason instanceof SetUpError)) {
    throw new SetUpError(reasons.map((reason) => reason.message).join('\n\n'));
  }
  if (reasons.length > 0) throw reasons[0];
  if (kinds.includes('redis')) await TOPOLOGIES[topology].join({ layout, ports });
  return ports;
}

/**
 * @param {{ layout: StackLayout, kinds: ServerKind[], log: Log }} options
 * @returns {Promise<Programs>}
 */
async function findPrograms({ layout, kinds, log }) {
  const needsMaven = kinds.includes('kafka') && !hasKafkaLibs(layout.kafkaLibs);
  const find = async () => {
    const [redis, postgresql, java] = await Promise.all([
      kinds.includes('redis') ? findRedis() : '',
      kinds.includes('postgres') ? findPostgres(postgresDataVersion(layout)) : '',
      kinds.includes('kafka') ? findJava() : '',
    ]);
    return { 'redis-server': redis, postgresql, java, maven: needsMaven ? findMaven() : '' };
  };
  const missingOf = (/** @type {Record<string, string | undefined>} */ found) =>
    /** @type {any[]} */ (Object.keys(found).filter((name) => found[name] === undefined));

  let found = await find();
  const missing = missingOf(found);
  if (missing.length > 0) {
    await installPackages({ packages: missing, log });
    found = await find();
  }
  refuseStillMissing(missingOf(found), layout);
  if (needsMaven) await fetchKafkaLibs({ kafkaLibs: layout.kafkaLibs, maven: found.maven ?? '', log });
  return { redis: found['redis-server'] ?? '', postgres: found.postgresql ?? '', java: found.java ?? '' };
}

/**
 * @param {string[]} missing
 * @param {StackLayout} layout
 */
function refuseStillMissing(missing, layout) {
  if (missing.length === 0) return;
  const dataVersion = postgresDataVersion(layout);
  if (missing.includes('postgresql') && dataVersion) {
    throw new SetUpError(
      `this stack's data was made by PostgreSQL ${dataVersion}, which is not here any more: install it, or forget the data: node tools/stack/stack.mjs reset --name ${layout.name}`,
    );
  }
  throw new SetUpError(
    `what the system offers as ${missing.join(', ')} is too old (Redis 7, PostgreSQL 14 and Java 17 are the oldest that do).\n` +
      'Start a Docker engine, or give REDIS_URL, KAFKA_BROKERS and DATABASE_URL.',
  );
}

/**
 * @param {{ server: Server, layout: StackLayout, programs: Programs, ports: import('./ports.mjs').RememberedPorts, log: Log, patienceMs: number }} options
 * @returns {Promise<boolean>} whether the server runs and answers
 */
async function reuse({ server, layout, programs, ports, log, patienceMs }) {
  const pidFile = layout.pidFileOf(server.name);
  if (!findProcess(server.identity, pidFile)) return false;
  const known = server.portNames.every((name) => ports[name]);
  const context = { ports, programs };
  const answered = known && (await answersWithin({ probe: () => server.probe(context), ms: patienceMs }));
  if (answered === true) return true;
  log(`${server.title} runs but does not answer: starting it again`);
  await stopServer(server, layout);
  return false;
}

/**
 * @param {{ server: Server, layout: StackLayout, programs: Programs, ports: Ports, log: Log }} options
 */
async function start({ server, layout, programs, ports, log }) {
  const logFile = layout.logOf(server.name);
  const { file, args } = await server.prepare({ ports, programs, log });
  log(`starting ${server.title} on 127.0.0.1:${ports[server.name]}`);
  const { child, logFrom } = await startDetached({
    file,
    args,
    logFile,
    pidFile: layout.pidFileOf(server.name),
    niceness: server.niceness,
  });
  const outcome = await answersWithin({
    probe: () => server.probe({ ports, programs }),
    ms: server.startMs,
    ended: () => child.exitCode !== null || child.signalCode !== null,
  });
  if (outcome === true) return;
  if (outcome !== 'ended') await stopServer(server, layout);
  throw new SetUpError(`${server.title} ${explain(outcome, server)}; ${await describeLog(logFile, logFrom)}`);
}

/**
 * @param {string} outcome
 * @param {Server} server
 */
function explain(outcome, { startMs }) {
  if (outcome === 'ended') return 'ended at its start';
  if (outcome === 'interrupted') return 'was interrupted at its start';
  return `did not answer within ${startMs / 1000} s (${outcome})`;
}

/**
 * @param {{ probe: () => Promise<unknown>, ms: number, ended?: () => boolean }} options
 * @returns {Promise<true | string>} true, or the last reason why not
 */
async function answersWithin({ probe, ms, ended = () => false }) {
  const deadline = Date.now() + ms;
  for (;;) {
    const reason = await probe().then(
      () => /** @type {const} */ (true),
      (error) => String(error.message).split('\n').at(-1) ?? '',
    );
    // A foreign server may answer on the port while ours ended because of it.
    if (ended()) return 'ended';
    if (isInterrupted()) return 'interrupted';
    if (reason === true || Date.now() > deadline) return reason;
    await pause(100);
  }
}

/**
 * @param {Server} server
 * @param {StackLayout} layout
 */
function stopServer(server, layout) {
  const pidFile = layout.pidFileOf(server.name);
  return stopProcess({ identity: server.identity, pidFile, signal: server.stopSignal, patienceMs: STOP_MS });
}

/**
 * @param {{ layout: StackLayout, log: Log }} options
 */
export async function stopOnMachine({ layout, log }) {
  await Promise.all(
    allServers(layout).map(async (server) => {
      const outcome = await stopServer(server, layout);
      if (outcome !== 'not running') log(`${server.title} ${outcome}`);
    }),
  );
}

/**
 * Ends this machine's servers at once; they recover at their next start.
 *
 * @param {StackLayout} layout
 */
export function killOnMachine(layout) {
  for (const server of allServers(layout)) {
    const pid = findProcess(server.identity, layout.pidFileOf(server.name));
    if (pid) sendSignal(pid, 'SIGKILL');
  }
}

/**
 * @param {StackLayout} layout
 * @returns {{ name: string, kind: ServerKind, title: string, pid: number | undefined }[]}
 */
export function serversOnMachine(layout) {
  return allServers(layout).map(({ name, kind, title, identity }) => ({
    name,
    kind,
    title,
    pid: findProcess(identity, layout.pidFileOf(name)),
  }));
}
