import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { Redis } from 'ioredis';

import { installPackages } from '../stack/packages.mjs';
import { findProcess, sendSignal, startDetached, stopProcess } from '../stack/processes.mjs';
import { findRedis } from '../stack/programs.mjs';
import { probeRedis } from '../stack/redis-probe.mjs';
import { SetUpError, describeLog, pause } from '../stack/run.mjs';
import { cpuSecondsOf } from './cpu.mjs';
import { freePorts } from './free-ports.mjs';

const SLOTS = 16_384;
const START_MS = 30_000;
const STOP_MS = 10_000;

/**
 * @typedef {{ url: string, port: number, busPort: number, folder: string, process: ServerProcess }} Node
 * @typedef {{ identity: import('../stack/processes.mjs').Identity, pidFile: string }} ServerProcess
 */

/** A Redis Cluster on this machine: masters only, as safe as the stack's Redis, each with its share of the slots. */
export class RedisCluster {
  /** @type {Node[]} */
  #nodes;

  /** @param {Node[]} nodes */
  constructor(nodes) {
    this.#nodes = nodes;
    // Whatever ends the benchmark: nothing is left behind.
    process.once('exit', () => this.#kill());
  }

  /**
   * @param {{ masters: number, folder: string, log: (line: string) => void }} options `folder` is made
   * @returns {Promise<RedisCluster>} every master serves and knows every slot
   * @throws {SetUpError}
   */
  static async start({ masters, folder, log }) {
    if (!(await findRedis())) await installPackages({ packages: ['redis-server'], log });
    const file = await findRedis();
    if (!file) throw new SetUpError('there is no redis-server of version 7 or newer on this machine');
    const ports = await freePorts(2 * masters);
    const nodes = Array.from({ length: masters }, (_, index) =>
      prepareNode({
        folder: join(folder, `${index + 1}`),
        port: Number(ports[2 * index]),
        busPort: Number(ports[2 * index + 1]),
        file,
      }),
    );
    const cluster = new RedisCluster(nodes);
    await Promise.all(nodes.map((node) => startNode(node, file)));
    await connect(nodes);
    return cluster;
  }

  /** All masters, as REDIS_URL takes them. */
  get url() {
    return this.#nodes.map(({ url }) => url).join(',');
  }

  /** @returns {number} CPU seconds used so far by all masters */
  cpuSeconds() {
    return this.#pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }

  async stop() {
    await Promise.all(
      this.#nodes.map((node) => stopProcess({ ...node.process, signal: 'SIGTERM', patienceMs: STOP_MS })),
    );
  }

  #kill() {
    for (const pid of this.#pids) sendSignal(pid, 'SIGKILL');
  }

  get #pids() {
    return this.#nodes.flatMap(({ process: { identity, pidFile } }) => findProcess(identity, pidFile) ?? []);
  }
}

/**
 * @param {{ folder: string, port: number, busPort: number, file: string }} options
 * @returns {Node}
 */
function prepareNode({ folder, port, busPort, file }) {
  const config = join(folder, 'redis.conf');
  mkdirSync(folder, { recursive: true });
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir "${folder}"`,
    // The process is recognised by its arguments, which a title would replace.
    'set-proc-title no',
    'appendonly yes',
    'appendfsync always',
    'maxmemory-policy noeviction',
    'save ""',
    'cluster-enabled yes',
    `cluster-port ${busPort}`,
    'cluster-announce-ip 127.0.0.1',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const identity = { program: basename(file), argument: config };
  const url = `redis://127.0.0.1:${port}`;
  return { url, port, busPort, folder, process: { identity, pidFile: join(folder, 'redis.pid') } };
}

/**
 * @param {Node} node
 * @param {string} file
 */
async function startNode({ url, folder, process: { identity, pidFile } }, file) {
  const logFile = join(folder, 'redis.log');
  await startDetached({ file, args: [identity.argument], logFile, pidFile });
  const answers = () => probeRedis({ url, write: false }).then(isDone, () => false);
  await untilTrue(answers, async () => `a master did not start; ${await describeLog(logFile)}`);
}

/** @param {Node[]} nodes */
async function connect(nodes) {
  const clients = nodes.map(({ url }) => new Redis(url));
  try {
    await Promise.all(clients.map((client, index) => giveSlots(client, index, nodes.length)));
    for (const { port, busPort } of nodes.slice(1))
      await clients[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
    const isComplete = async () => {
      const infos = await Promise.all(clients.map((client) => client.cluster('INFO')));
      const wanted = ['cluster_state:ok', `cluster_known_nodes:${nodes.length}\r\n`];
      return infos.every((info) => wanted.every((line) => info.includes(line)));
    };
    await untilTrue(isComplete, async () => 'the masters did not become a cluster');
  } finally {
    for (const client of clients) client.disconnect();
  }
}

/** @param {Redis} client @param {number} index @param {number} masters */
async function giveSlots(client, index, masters) {
  const bound = (/** @type {number} */ number) => Math.floor((number * SLOTS) / masters);
  // Different epochs spare the masters the time in which they would settle a tie.
  await client.cluster('SET-CONFIG-EPOCH', index + 1);
  await client.call('CLUSTER', 'ADDSLOTSRANGE', bound(index), bound(index + 1) - 1);
}

/**
 * @param {() => Promise<boolean>} ask
 * @param {() => Promise<string>} explain
 */
async function untilTrue(ask, explain) {
  const deadline = Date.now() + START_MS;
  while (!(await ask())) {
    if (Date.now() > deadline) throw new SetUpError(await explain());
    await pause(50);
  }
}

function isDone() {
  return true;
}
