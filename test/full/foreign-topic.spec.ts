import { createKafka, ensureTopics, groupOffsets, KafkaAdmin, readSpans, topicSpans } from '@flux/kafka';
import { LEDGER_EVENTS_TOPIC, ORDERS_ACCEPTED_TOPIC, ORDERS_CONSUMER_GROUP } from '@flux/contracts';
import { KafkaCluster, testKafkaSettings, topicPrefix, waitUntil, withAdmin } from '@flux/testing';
import type { AppProcess } from '../e2e/support/app-process';
import { startWorld, type World } from '../e2e/support/world';
import { SaleRun } from './support/sale-run';

jest.setTimeout(300_000);

const FOREIGN = 'somebody-elses';
/** It holds the only copy of the foreign topic. Of ours it has one copy of three. */
const BROKER = 3;

/**
 * A broker is down, and with it the only copy of a topic that is none of ours. Whoever asks for all topics of the cluster
 * gets no answer until it is back: nothing of Flux-Gate may ask so.
 */
describe('Kafka without the leader of a foreign topic', () => {
  let cluster: KafkaCluster;
  let world: World;
  let run: SaleRun;

  beforeAll(async () => {
    cluster = await KafkaCluster.start();
    // For this file's processes and helpers alone: Jest gives each file its own environment.
    process.env['KAFKA_BROKERS'] = cluster.brokers;
    process.env['FLUX_KAFKA_REPLICATION'] = '3';
    world = await startWorld({ gateways: 1, relays: 1, orders: 1 });
    run = await SaleRun.open(world, 'sale');
    await run.buy(50);
    await run.drained();
    const replicaAssignment = [{ partition: 0, replicas: [BROKER] }];
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic: FOREIGN, replicaAssignment }] }));
    await cluster.kill(BROKER);
    await waitUntil('Kafka has no answer for all topics', () => allTopics().then(isLeaderless), {
      timeoutMs: 60_000,
    });
  });

  afterAll(async () => {
    try {
      await run.close();
      await cluster.startAll();
      await world.stop();
    } finally {
      await cluster.remove();
    }
  });

  // What holds before the tests must hold after them too.
  afterEach(async () => {
    expect(isLeaderless(await allTopics())).toBe(true);
  });

  it('processes that run are ready, new ones become ready, and orders are confirmed and audited', async () => {
    const before = world.running();
    await allReady(before);
    await run.buy(50);
    await run.proved();

    await Promise.all([world.start('relay'), world.start('orders'), world.start('admin')]);
    for (const old of [...world.relays, ...world.orders]) expect(await old.stop()).toBe(0);
    await run.buy(50);
    await run.proved();
    await allReady(world.running());
  });

  it('topics that are missing are made, beside ours and where there is none of ours yet', async () => {
    const kafka = createKafka({ settings: { KAFKA_BROKERS: cluster.brokers }, clientId: 'test' });
    const signal = AbortSignal.timeout(60_000);
    const partitionsOf = (prefix: string, ...topics: readonly string[]) => {
      const settings = testKafkaSettings({ FLUX_KAFKA_REPLICATION: 3, FLUX_TOPIC_PREFIX: prefix });
      return ensureTopics({ kafka, settings, topics, signal });
    };
    const beside = await partitionsOf(world.topicPrefix, ORDERS_ACCEPTED_TOPIC, 'new');
    expect(Object.fromEntries(beside)).toEqual({ [ORDERS_ACCEPTED_TOPIC]: 4, new: 4 });
    expect(Object.fromEntries(await partitionsOf(topicPrefix(), 'first'))).toEqual({ first: 4 });
  });

  it('readers find their topics, how far the group has come, and every message', async () => {
    const kafka = createKafka({ settings: { KAFKA_BROKERS: cluster.brokers }, clientId: 'test' });
    const topic = `${world.topicPrefix}${LEDGER_EVENTS_TOPIC}`;
    const spans = await topicSpans(kafka, topic);
    const expected = spans.reduce((sum, { from, to }) => sum + Number(to - from), 0);
    let read = 0;
    await readSpans({
      kafka,
      topic,
      spans,
      take: (messages) => {
        read += messages.length;
        return Promise.resolve();
      },
    });
    expect(read).toBe(expected);
    expect(read).toBeGreaterThan(0);
    const groupId = `${world.topicPrefix}${ORDERS_CONSUMER_GROUP}`;
    const committed = await groupOffsets(kafka, groupId, run.topic);
    expect(committed.get(run.partition)).toBeGreaterThan(0n);
    // With a connection of its own, which has asked for nothing yet.
    const admin = new KafkaAdmin(kafka);
    expect((await admin.lag(groupId, run.topic)).get(run.partition)).toBe(0n);
    await admin.disconnect();
    expect(await topicSpans(kafka, `${world.topicPrefix}there-is-none`)).toEqual([]);
  });
});

/** The error with which Kafka answers who asks for all topics; undefined where it has none. */
async function allTopics(): Promise<unknown> {
  return withAdmin((admin) => admin.listTopics()).then(
    () => undefined,
    (error: unknown) => error,
  );
}

function isLeaderless(error: unknown): boolean {
  return String(error).includes('no leader');
}

/** Only once the partitions that the dead broker led have their new leaders. */
async function allReady(processes: readonly AppProcess[]): Promise<void> {
  for (const each of processes) await each.ready();
  expect(await Promise.all(processes.map((each) => each.readiness()))).toEqual(processes.map(() => 200));
}
