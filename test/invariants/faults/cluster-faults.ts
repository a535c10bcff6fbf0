import { setTimeout as pause } from 'node:timers/promises';
import { ORDERS_ACCEPTED_TOPIC } from '@flux/contracts';
import { partitionOf } from '@flux/kafka';
import { BROKERS } from '@flux/testing';
import { SALES } from '../sales';
import type { ClusterWorld } from '../world/cluster-world';
import type { Fault } from './fault';
import { processFaults } from './process-faults';

/** As every installation has them. */
const PARTITIONS = 4;

const ITEMS = SALES.flatMap(({ saleId, items }) => items.map(({ productId }) => ({ saleId, productId })));

/** What Redis Cluster and several brokers can meet, and every fault of our own processes. */
export const clusterFaults: readonly Fault<ClusterWorld>[] = [
  {
    id: 'F3',
    name: 'a master killed, its replica takes over',
    breaks: ['redis'],
    lastsMs: [200, 1_500],
    strike: async ({ world, random, lastsMs }) => {
      const item = random.pick(ITEMS);
      const promoted = await world.killMasterOf(item);
      // It has no replica: nothing is acknowledged on its shard.
      await pause(lastsMs);
      await world.bringNodesBack();
      return `kill -9 of the master of ${item.productId}; ${promoted.port} took its place`;
    },
  },
  {
    id: 'F18',
    name: 'a leader killed',
    breaks: ['kafka'],
    lastsMs: [500, 2_500],
    strike: async ({ world, random, lastsMs }) => {
      const { kafka } = world.servers;
      const { productId } = random.pick(ITEMS);
      const topic = `${world.topicPrefix}${ORDERS_ACCEPTED_TOPIC}`;
      const leader = await kafka.leaderOf(topic, partitionOf(productId, PARTITIONS));
      await kafka.kill(leader);
      await pause(lastsMs);
      await kafka.startAll();
      return `kill -9 of broker ${leader}, the leader of ${productId}'s partition, down for more than ${lastsMs} ms`;
    },
  },
  {
    id: 'F18',
    name: 'two of three brokers killed',
    breaks: ['kafka'],
    lastsMs: [500, 2_500],
    strike: async ({ world, random, lastsMs }) => {
      const { kafka } = world.servers;
      const [one, other] = random.shuffled(BROKERS);
      if (one === undefined || other === undefined) throw new Error('there are no brokers');
      await kafka.kill(one, other);
      await pause(lastsMs);
      await kafka.startAll();
      return `kill -9 of brokers ${one} and ${other}, down for more than ${lastsMs} ms`;
    },
  },
  ...processFaults,
];
