import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { kafkaLibsFolder } from './kafka-libs.mjs';
import { probeKafka } from './kafka-probe.mjs';
import { run } from './run.mjs';

/** @param {number} port */
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
  const folder = layout.dataOf('kafka');
  const data = join(folder, 'data');
  const config = join(folder, 'server.properties');
  const classPath = join(kafkaLibsFolder(layout.kafkaLibs), '*');
  return {
    name: 'kafka',
    title: 'Kafka',
    niceness: 5,
    identity: { program: 'java', argument: config },
    portNames: ['kafka', 'kafkaController'],
    stopSignal: 'SIGTERM',
    startMs: 120_000,
    prepare: async ({ ports, programs, log }) => {
      mkdirSync(folder, { recursive: true });
      const endpoints = { port: ports.kafka, controllerPort: ports.kafkaController };
      if (!existsSync(data)) {
        log('formatting Kafka’s data folder');
        await format({ java: programs.java, classPath, folder, data, endpoints });
      }
      writeFileSync(config, properties({ ...endpoints, data }));
      return { file: programs.java, args: [...jvmOptions(), '-cp', classPath, 'kafka.Kafka', config] };
    },
    probe: ({ ports }) => probeKafka({ host: '127.0.0.1', port: ports.kafka }),
  };
}

function jvmOptions() {
  const logging = ['defaultLogLevel=warn', 'showDateTime=true', 'dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS'];
  // On two cores the optimising compiler and parallel collectors take more than they bring to one small broker.
  const modest = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  return [
    '-Xms256m',
    '-Xmx512m',
    ...modest,
    ...logging.map((option) => `-Dorg.slf4j.simpleLogger.${option}`),
  ];
}

/**
 * The folder gets its name only when it is complete: a crash in the middle leaves nothing that looks formatted.
 *
 * @param {{ java: string, classPath: string, folder: string, data: string, endpoints: { port: number, controllerPort: number } }} options
 */
async function format({ java, classPath, folder, data, endpoints }) {
  const incoming = `${data}.incoming`;
  const config = join(folder, 'format.properties');
  rmSync(incoming, { recursive: true, force: true });
  writeFileSync(config, properties({ ...endpoints, data: incoming }));
  // A cluster id is 16 random bytes in base64url; as an argument it must not begin like an option.
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`;
  await run(java, ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', config]);
  renameSync(incoming, data);
  rmSync(config);
}

/**
 * Written anew at each start, since the ports may have changed.
 *
 * @param {{ port: number, controllerPort: number, data: string }} options
 */
function properties({ port, controllerPort, data }) {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${data.replaceAll('\\', '\\\\')}`,
    'auto.create.topics.enable=false',
    'group.initial.rebalance.delay.ms=0',
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    // Of the default 50 partitions each has files to make at the first consumer and to recover after a crash.
    'offsets.topic.num.partitions=5',
    'transaction.state.log.num.partitions=5',
    '',
  ].join('\n');
}
