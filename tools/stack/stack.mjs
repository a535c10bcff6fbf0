#!/usr/bin/env node
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { dockerAnswers, servicesInDocker, stopInDocker } from './docker.mjs';
import { VARIABLES, checkGiven, readGiven } from './given.mjs';
import { resetCommand, startServers } from './host.mjs';
import { STACK_NAMES, stackLayout } from './layout.mjs';
import { withLock } from './lock.mjs';
import { killOnMachine, serversOnMachine, stopOnMachine } from './machine.mjs';
import { readPorts } from './ports.mjs';
import { databaseUrl, postgresPassword } from './postgres-server.mjs';
import { asUser, redisPasswords } from './redis-users.mjs';
import { SetUpError, reportFailure } from './run.mjs';
import { TOPOLOGIES, isTopology } from './topology.mjs';

/**
 * The servers that Flux-Gate needs, for development and tests: Redis, Kafka and PostgreSQL.
 *
 * @typedef {import('./machine.mjs').ServerKind} ServerKind
 * @typedef {import('./topology.mjs').Topology} Topology
 * @typedef {'environment' | 'docker' | 'machine'} Source where a server was found
 * @typedef {{ name?: string, log?: (line: string) => void }} Options `name` keeps stacks apart: ports, data, logs
 *
 * @typedef {object} Stack
 * @property {string} redisUrl several of a cluster, separated by commas; its user may do everything, as tools need it
 * @property {(app: import('./redis-users.mjs').AppName) => string} redisUrlOf the same, as the user of a process has it
 * @property {string} redisMode `single` or `cluster`
 * @property {string} durability what Redis can promise, as FLUX_DURABILITY takes it
 * @property {string} kafkaBrokers `host:port`, separated by commas
 * @property {string} databaseUrl
 * @property {Record<ServerKind, Source>} source
 * @property {number} kafkaReplication how many copies a topic can have
 */

/** @type {ServerKind[]} */
const SERVERS = ['redis', 'kafka', 'postgres'];

const TITLES = { redis: 'Redis', kafka: 'Kafka', postgres: 'PostgreSQL' };

/**
 * Brings the servers up and checks each by a real operation. Each is taken from the environment where that names it,
 * else from a Docker engine that answers, else from this machine (FLUX_STACK_HOST=docker or =machine decides that
 * instead). Servers that run already are used as they are.
 *
 * @param {Options & { topology?: Topology, only?: ServerKind[] }} [options] `topology`: by default the one that the stack
 *   has; `only`: the servers that are needed, by default all
 * @returns {Promise<Stack>}
 * @throws {SetUpError} also for another topology than the stack has: its data stay
 */
export async function up({
  topology: asked,
  name = TOPOLOGIES[asked ?? 'single'].defaultName,
  only = SERVERS,
  log = console.log,
} = {}) {
  const layout = stackLayout(name);
  const topology = topologyOf(layout, asked);
  const given = readGiven(process.env, only);
  await checkGiven(given);
  const wanted = only.filter((server) => !given[server]);
  const stack =
    wanted.length === 0
      ? describe({ topology, given, layout })
      : await withLock({ file: layout.lockFile, what: `stack ${name}`, log }, start);
  log(`stack ${name} is up: ${inWords(stack.source, only)}`);
  return stack;

  async function start() {
    mkdirSync(layout.folder, { recursive: true });
    const { host, ports } = await startServers({ layout, topology, kinds: wanted, log });
    return describe({ topology, given, layout, host, ports });
  }
}

/**
 * @param {import('./layout.mjs').StackLayout} layout
 * @param {Topology} [asked]
 * @returns {Topology}
 */
function topologyOf(layout, asked) {
  const { host, topology = host && 'single' } = readPorts(layout.portsFile);
  if (topology && asked && topology !== asked) {
    throw new SetUpError(
      `stack ${layout.name} has data of the topology ${topology}: choose another name, or forget them: ${resetCommand(layout)}`,
    );
  }
  return topology ?? asked ?? 'single';
}

/**
 * @param {{ topology: Topology, given: import('./given.mjs').Given, layout: import('./layout.mjs').StackLayout,
 *   host?: 'docker' | 'machine', ports?: import('./ports.mjs').Ports }} options
 * @returns {Stack}
 */
function describe({ topology, given, layout, host = 'machine', ports = {} }) {
  const servers = TOPOLOGIES[topology];
  /** @param {ServerKind} server @returns {Source} */
  const sourceOf = (server) => (given[server] ? 'environment' : host);
  /** @param {keyof import('./redis-users.mjs').RedisPasswords} name */
  const redisUrlOf = (name) =>
    given.redis ?? asUser(servers.redisUrl(ports), { name, passwords: redisPasswords(layout) });
  return {
    redisUrl: redisUrlOf('dev'),
    redisUrlOf,
    redisMode: given.redis ? process.env.FLUX_REDIS_MODE || 'single' : servers.redisMode,
    durability: given.redis ? process.env.FLUX_DURABILITY || 'strict' : servers.durability,
    kafkaBrokers: given.kafka ?? servers.kafkaBrokers(ports),
    databaseUrl: given.postgres ?? databaseUrl({ port: ports.postgres, password: postgresPassword(layout) }),
    source: { redis: sourceOf('redis'), kafka: sourceOf('kafka'), postgres: sourceOf('postgres') },
    kafkaReplication: given.kafka
      ? Number(process.env.FLUX_KAFKA_REPLICATION || 1)
      : servers.kafkaReplication,
  };
}

/** @param {Stack['source']} source @param {ServerKind[]} servers */
function inWords(source, servers) {
  const words = { docker: 'Docker', machine: 'this machine' };
  return servers
    .map((server) => {
      const from = source[server];
      return `${TITLES[server]} from ${from === 'environment' ? VARIABLES[server] : words[from]}`;
    })
    .join(', ');
}

/**
 * Stops what `up` started, cleanly; the data stays. Servers that the environment names are not touched.
 *
 * @param {Options} [options]
 */
export async function down({ name = 'dev', log = console.log } = {}) {
  const layout = stackLayout(name);
  if (!existsSync(layout.folder)) return;
  await withLock({ file: layout.lockFile, what: `stack ${name}`, log }, () =>
    stop({ layout, forget: false, log }),
  );
}

/**
 * Stops the servers and forgets their data. The fetched jars stay, they belong to every stack of the clone.
 *
 * @param {Options} [options]
 */
export async function reset({ name = 'dev', log = console.log } = {}) {
  const layout = stackLayout(name);
  if (!existsSync(layout.folder)) return log(`stack ${name} has no data`);
  await withLock({ file: layout.lockFile, what: `stack ${name}`, log }, async () => {
    await stop({ layout, forget: true, log });
    rmSync(layout.folder, { recursive: true, force: true });
    log(`stack ${name} is forgotten`);
  });
}

/**
 * @param {{ layout: import('./layout.mjs').StackLayout, forget: boolean, log: (line: string) => void }} options
 */
async function stop({ layout, forget, log }) {
  await stopOnMachine({ layout, log });
  if (readPorts(layout.portsFile).host !== 'docker') return;
  if (await dockerAnswers()) {
    await stopInDocker({ layout, forget });
    log('containers stopped');
  } else if (forget) {
    log(`no Docker engine answers: the volumes of project ${layout.composeProject} are left to it`);
  }
}

/**
 * Ends the machine's servers at once. They recover at the next start.
 *
 * @param {Options} [options]
 */
export function kill({ name = 'dev' } = {}) {
  killOnMachine(stackLayout(name));
}

/**
 * Prints what runs.
 *
 * @param {Options} [options]
 * @returns {Promise<boolean>} whether every server that the environment does not name runs
 */
export async function status({ name = 'dev', log = console.log } = {}) {
  const layout = stackLayout(name);
  const given = readGiven(process.env);
  const ports = readPorts(layout.portsFile);
  const services = ports.host === 'docker' && (await dockerAnswers()) ? await servicesInDocker(layout) : [];
  let complete = true;
  for (const { name: server, kind, title, pid } of serversOnMachine(layout)) {
    const inDocker = services.includes(server);
    const runs = inDocker
      ? `runs in Docker on 127.0.0.1:${ports[server]}`
      : pid && `runs on 127.0.0.1:${ports[server]}, pid ${pid}`;
    complete &&= Boolean(given[kind] ?? runs);
    log(`${title}: ${given[kind] ? `from ${VARIABLES[kind]}` : runs || 'not running'}`);
  }
  return complete;
}

const USAGE = `usage: node tools/stack/stack.mjs up|down|status|kill|reset [--topology ${Object.keys(TOPOLOGIES).join('|')}] [--only ${SERVERS.join('|')}]... [--name ${STACK_NAMES.join('|')}]`;

async function main() {
  const { command, options } = readArguments();
  const outcome = await command(options);
  if (outcome === false) process.exitCode = 1;
}

function readArguments() {
  const commands = new Map(Object.entries({ up, down, reset, status, kill }));
  const text = { type: /** @type {const} */ ('string') };
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { name: text, topology: text, only: { ...text, multiple: true } },
    });
    const command = positionals.length === 1 ? commands.get(positionals[0] ?? '') : undefined;
    const { topology, only = SERVERS, name = TOPOLOGIES[topology ?? 'single']?.defaultName } = values;
    const kinds = SERVERS.filter((server) => only.includes(server));
    if (command && kinds.length === only.length && (topology === undefined || isTopology(topology)))
      return { command, options: { name, topology, only: kinds } };
  } catch {
    // An unknown option is answered like an unknown command.
  }
  throw new SetUpError(USAGE);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch(reportFailure);
}
