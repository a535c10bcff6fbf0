import { kafkaBrokers, kafkaCluster, kafkaServer } from './kafka-server.mjs';
import { postgresServer } from './postgres-server.mjs';
import { joinRedisCluster } from './redis-cluster.mjs';
import { devUrl, redisNode, redisServer, redisUrl } from './redis-server.mjs';

/**
 * How many servers a stack has: one of each, or Redis Cluster with three masters and three replicas and three Kafka
 * brokers, beside one PostgreSQL.
 *
 * @typedef {'single' | 'cluster'} Topology
 * @typedef {import('./layout.mjs').StackLayout} StackLayout
 * @typedef {import('./ports.mjs').Ports} Ports
 *
 * @typedef {object} TopologyDescription
 * @property {string} defaultName of its stack
 * @property {(layout: StackLayout) => import('./machine.mjs').Server[]} servers
 * @property {(options: { layout: StackLayout, ports: Ports }) => Promise<void>} join makes the servers one, once they run
 * @property {(ports: Ports) => string} redisUrl as REDIS_URL takes it, yet of no user
 * @property {'single' | 'cluster'} redisMode as FLUX_REDIS_MODE takes it
 * @property {'strict' | 'replicated'} durability what its Redis can promise, as FLUX_DURABILITY takes it
 * @property {(ports: Ports) => string} kafkaBrokers as KAFKA_BROKERS takes them
 * @property {number} kafkaReplication how many copies a topic can have
 */

const MASTERS = [1, 2, 3];
const REPLICAS = [4, 5, 6];
const REDIS_NODES = [...MASTERS, ...REPLICAS];
const BROKERS = [1, 2, 3];

/** @type {Record<Topology, TopologyDescription>} */
export const TOPOLOGIES = {
  single: {
    defaultName: 'dev',
    servers: (layout) => [redisServer(layout), kafkaServer(layout), postgresServer(layout)],
    join: async () => {},
    redisUrl: (ports) => redisUrl(ports.redis),
    redisMode: 'single',
    durability: 'strict',
    kafkaBrokers: (ports) => kafkaBrokers(ports.kafka),
    kafkaReplication: 1,
  },
  cluster: {
    defaultName: 'cluster',
    servers: (layout) => [
      ...REDIS_NODES.map((number) => redisNode(layout, number)),
      ...kafkaCluster(layout, BROKERS.length),
      postgresServer(layout),
    ],
    join: ({ layout, ports }) => {
      const node = (/** @type {number} */ number) => {
        const port = Number(ports[`redis-${number}`]);
        return { url: devUrl(layout, port), port, busPort: Number(ports[`redis-${number}-bus`]) };
      };
      const [masters, replicas] = [MASTERS.map(node), REPLICAS.map(node)];
      return joinRedisCluster({ masters, replicas, madeFile: layout.redisClusterMadeFile });
    },
    redisUrl: (ports) => REDIS_NODES.map((number) => redisUrl(ports[`redis-${number}`])).join(','),
    redisMode: 'cluster',
    // Without it a failover loses what the replica had not received.
    durability: 'replicated',
    kafkaBrokers: (ports) => BROKERS.map((number) => kafkaBrokers(ports[`kafka-${number}`])).join(','),
    kafkaReplication: BROKERS.length,
  },
};

/**
 * @param {string} text
 * @returns {text is Topology}
 */
export function isTopology(text) {
  return Object.hasOwn(TOPOLOGIES, text);
}
