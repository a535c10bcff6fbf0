import { existsSync, writeFileSync } from 'node:fs';

import { redisCommand } from './redis-command.mjs';
import { SetUpError, isInterrupted, pause } from './run.mjs';

const SLOTS = 16_384;
const JOIN_MS = 90_000;
const INTRODUCE_EVERY_MS = 2_000;

/** @typedef {{ url: string, port: number, busPort: number }} Node `url`: as a user has it who may do everything */

/**
 * Makes running nodes one Redis Cluster: the masters share the slots, each replica follows one of them. Done once;
 * later the nodes find each other by what they remember, also when their ports have changed. May be cut anywhere and
 * is then done again.
 *
 * @param {{ masters: Node[], replicas: Node[], madeFile: string }} options `madeFile` remembers that it is done
 * @throws {SetUpError} when the nodes do not serve as one in time
 */
export async function joinRedisCluster({ masters, replicas, madeFile }) {
  const nodes = [...masters, ...replicas];
  const isNew = !existsSync(madeFile);
  if (isNew) await Promise.all(masters.map((node, index) => giveSlots(node, index, masters.length)));
  if (!(await serveAsOne(nodes))) await introduce(nodes);
  // A node forgets whom it was introduced to when that one does not answer in time.
  const again = setInterval(() => void introduce(nodes).catch(() => {}), INTRODUCE_EVERY_MS);
  try {
    await complete({ masters, replicas, isNew });
  } finally {
    clearInterval(again);
  }
  writeFileSync(madeFile, '');
}

/** @param {{ masters: Node[], replicas: Node[], isNew: boolean }} options */
async function complete({ masters, replicas, isNew }) {
  if (isNew) {
    const pairs = replicas.map((replica, index) => ({ replica, master: masters[index] ?? replica }));
    await Promise.all(pairs.map(follow));
  }
  await untilTrue('the Redis nodes serve as one cluster', () => serveAsOne([...masters, ...replicas]));
}

/** @param {Node} node @param {number} index @param {number} masters */
async function giveSlots({ url }, index, masters) {
  const bound = (/** @type {number} */ number) => Math.floor((number * SLOTS) / masters);
  // Different epochs spare the masters the time in which they would settle a tie.
  await unlessDone('CLUSTER SET-CONFIG-EPOCH', () =>
    redisCommand(url, 'CLUSTER', 'SET-CONFIG-EPOCH', index + 1),
  );
  await unlessDone('CLUSTER ADDSLOTSRANGE', () =>
    redisCommand(url, 'CLUSTER', 'ADDSLOTSRANGE', bound(index), bound(index + 1) - 1),
  );
}

/**
 * An earlier attempt may have come this far: then the node refuses, and what counts is tested at the end.
 *
 * @param {string} what
 * @param {() => Promise<string>} command
 */
async function unlessDone(what, command) {
  await command().catch((error) => {
    if (!/already|config epoch|known nodes/i.test(error.message)) {
      throw new SetUpError(`${what} was refused: ${error.message}`);
    }
  });
}

/**
 * Each to each: who keeps another's old address in mind hears only from that one itself where it is now.
 *
 * @param {Node[]} nodes
 */
async function introduce(nodes) {
  for (const node of nodes) {
    for (const { port, busPort } of nodes.filter((other) => other !== node))
      await redisCommand(node.url, 'CLUSTER', 'MEET', '127.0.0.1', port, busPort);
  }
}

/** @param {{ replica: Node, master: Node }} pair */
async function follow({ replica, master }) {
  const masterId = await redisCommand(master.url, 'CLUSTER', 'MYID');
  await untilTrue('a replica knows its master', () =>
    // Refused as an unknown node until the news has come round.
    redisCommand(replica.url, 'CLUSTER', 'REPLICATE', masterId).then(isOk, () => false),
  );
}

/** @param {Node[]} nodes @returns {Promise<boolean>} every node serves, knows all others, and no replica is behind */
async function serveAsOne(nodes) {
  const answers = await Promise.all(
    nodes.map(async ({ url }) => {
      const [cluster, replication] = await Promise.all([
        redisCommand(url, 'CLUSTER', 'INFO'),
        redisCommand(url, 'INFO', 'replication'),
      ]).catch(() => ['', '']);
      const complete =
        cluster.includes('cluster_state:ok') && cluster.includes(`cluster_known_nodes:${nodes.length}\r\n`);
      const role = /role:(\w+)/.exec(replication)?.[1];
      return complete && (role === 'master' || replication.includes('master_link_status:up')) ? role : '';
    }),
  );
  return answers.every(Boolean) && answers.filter((role) => role === 'master').length * 2 === nodes.length;
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} ask
 */
async function untilTrue(what, ask) {
  const deadline = Date.now() + JOIN_MS;
  while (!(await ask())) {
    if (isInterrupted()) throw new SetUpError(`waited until ${what}, and was interrupted`);
    if (Date.now() > deadline) throw new SetUpError(`waited ${JOIN_MS / 1_000} s in vain until ${what}`);
    await pause(100);
  }
}

/** @param {string} answer */
function isOk(answer) {
  return answer === 'OK';
}
