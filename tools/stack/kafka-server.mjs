import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { kafkaLibsFolder } from './kafka-libs.mjs';
import { probeKafka } from './kafka-probe.mjs';
import { run } from './run.mjs';

/**
 * @typedef {{ id: number, name: string, title: string, controller: string }} Broker `name` and `controller` are also
 *   those of its ports
 */

/** @type {Broker[]} */
const ONE_BROKER = [{ id: 1, name: 'kafka', title: 'Kafka', controller: 'kafkaController' }];

/** @param {number | undefined} port */
export function kafkaBrokers(port) {
  return `127.0.0.1:${port}`;
}

/**
 * One broker that is its own KRaft controller.
 *
 * @param {import('./layout.mjs').StackLayout} layout
 * @returns {import('./machine.mjs').Server}
 */
export function kafkaServer(layout) {
  return kafkaServers(layout, ONE_BROKER)[0];
}

/**
 * Brokers of one cluster. Each topic can have a copy on each, and a send counts when two have it.
 *
 * @param {import('./layout.mjs').StackLayout} layout
 * @param {number} count
 * @returns {import('./machine.mjs').Server[]}
 */
export function kafkaCluster(layout, count) {
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  const brokers = ids.map((id) => {
    return { id, name: `kafka-${id}`, title: `Kafka ${id}`, controller: `kafka-${id}-controller` };
  });
  return kafkaServers(layout, brokers);
}

/**
 * @param {import('./layout.mjs').StackLayout} layout
 * @param {Broker[]} brokers
 * @returns {import('./machine.mjs').Server[]}
 */
function kafkaServers(layout, brokers) {
  const classPath = join(kafkaLibsFolder(layout.kafkaLibs), '*');
  return brokers.map((broker) => {
    const { name, title, controller } = broker;
    const folder = layout.dataOf(name);
    const data = join(folder, 'data');
    const config = join(folder, 'server.properties');
    // What somebody wants otherwise, such as listeners behind a proxy.
    const more = join(folder, 'more.properties');
    return {
      name,
      kind: 'kafka',
      title,
      niceness: 5,
      identity: { program: 'java', argument: config },
      portNames: [name, controller],
      stopSignal: 'SIGTERM',
      needsPeers: brokers.length > 1,
      startMs: 120_000,
      prepare: async ({ ports, programs, log }) => {
        mkdirSync(folder, { recursive: true });
        if (!existsSync(data)) {
          log(`formatting the data folder of ${title}`);
          const clusterId = clusterIdOf(layout);
          const incoming = properties({ broker, brokers, ports, data: `${data}.incoming` });
          await format({ java: programs.java, classPath, folder, data, clusterId, properties: incoming });
        }
        // Of two lines with one name the later one counts.
        const added = existsSync(more) ? readFileSync(more, 'utf8') : '';
        writeFileSync(config, properties({ broker, brokers, ports, data }) + added);
        const args = [...jvmOptions(brokers.length), '-cp', classPath, 'kafka.Kafka', config];
        return { file: programs.java, args };
      },
      probe: ({ ports }) => probeKafka({ host: '127.0.0.1', port: ports[name] ?? 0, brokerId: broker.id }),
    };
  });
}

/**
 * What the brokers of a stack know each other by; made once.
 *
 * @param {import('./layout.mjs').StackLayout} layout
 */
function clusterIdOf({ kafkaClusterIdFile }) {
  if (!existsSync(kafkaClusterIdFile)) {
    // 16 random bytes in base64url; as an argument it must not begin like an option.
    writeFileSync(kafkaClusterIdFile, `A${randomBytes(16).toString('base64url').slice(1)}\n`);
  }
  return readFileSync(kafkaClusterIdFile, 'utf8').trim();
}

/** @param {number} brokers */
function jvmOptions(brokers) {
  const logging = ['defaultLogLevel=warn', 'showDateTime=true', 'dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS'];
  // On two cores the optimising compiler and parallel collectors take more than they bring to one small broker.
  const modest = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  return [
    ...(brokers === 1 ? ['-Xms256m', '-Xmx512m'] : ['-Xms128m', '-Xmx384m']),
    ...modest,
    ...logging.map((option) => `-Dorg.slf4j.simpleLogger.${option}`),
  ];
}

/**
 * The folder gets its name only when it is complete: a crash in the middle leaves nothing that looks formatted.
 *
 * @param {{ java: string, classPath: string, folder: string, data: string, clusterId: string, properties: string }} options
 */
async function format({ java, classPath, folder, data, clusterId, properties }) {
  const incoming = `${data}.incoming`;
  const config = join(folder, 'format.properties');
  rmSync(incoming, { recursive: true, force: true });
  writeFileSync(config, properties);
  await run(java, ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', config]);
  renameSync(incoming, data);
  rmSync(config);
}

/**
 * Written anew at each start, since the ports may have changed.
 *
 * @param {{ broker: Broker, brokers: Broker[], ports: import('./ports.mjs').Ports, data: string }} options
 */
function properties({ broker, brokers, ports, data }) {
  const port = ports[broker.name];
  const voters = brokers.map(({ id, controller }) => `${id}@127.0.0.1:${ports[controller]}`);
  const copies = brokers.length;
  const inSync = Math.min(2, copies);
  return [
    'process.roles=broker,controller',
    `node.id=${broker.id}`,
    `controller.quorum.voters=${voters.join(',')}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${ports[broker.controller]}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${data.replaceAll('\\', '\\\\')}`,
    'auto.create.topics.enable=false',
    'group.initial.rebalance.delay.ms=0',
    `default.replication.factor=${copies}`,
    `min.insync.replicas=${inSync}`,
    'unclean.leader.election.enable=false',
    `offsets.topic.replication.factor=${copies}`,
    `transaction.state.log.replication.factor=${copies}`,
    `transaction.state.log.min.isr=${inSync}`,
    // Of the default 50 partitions each has files to make at the first consumer and to recover after a crash.
    'offsets.topic.num.partitions=5',
    'transaction.state.log.num.partitions=5',
    '',
  ].join('\n');
}
