import { BatchProducer, createKafka } from '@flux/kafka';
import {
  BROKERS,
  createTopic,
  KafkaCluster,
  readTopic,
  waitUntil,
  withAdmin,
  type BrokerId,
} from '@flux/testing';
import { ConfigResourceTypes } from 'kafkajs';
import { groupView } from '../e2e/support/group-view';
import { startWorld, type World } from '../e2e/support/world';
import { SaleRun } from './support/sale-run';

/** Three brokers come up in ten seconds where nothing else runs, and each of the tests waits for that. */
jest.setTimeout(300_000);

/** As Kafka says it. */
const TOO_FEW = 'fewer in-sync replicas than required';

/** F17-F20, F22, F23 and F25 of an installation with three brokers. */
describe('Kafka of three brokers', () => {
  let cluster: KafkaCluster;
  let world: World;
  let sales = 0;
  let run: SaleRun;

  beforeAll(async () => {
    cluster = await KafkaCluster.start();
    // For this file's processes and helpers alone: Jest gives each file its own environment.
    process.env['KAFKA_BROKERS'] = cluster.brokers;
    process.env['FLUX_KAFKA_REPLICATION'] = '3';
    world = await startWorld({ gateways: 1, relays: 1, orders: 1 });
  });

  afterAll(async () => {
    try {
      await cluster.startAll();
      await world.stop();
    } finally {
      await cluster.remove();
    }
  });

  beforeEach(async () => {
    sales += 1;
    run = await SaleRun.open(world, `sale-${sales}`);
  });

  afterEach(async () => {
    await run.close();
  });

  async function endOffset(): Promise<number> {
    const view = await groupView(world);
    return view.endOffset().finally(() => view.close());
  }

  async function leaderNow(): Promise<BrokerId> {
    return waitUntil('there is a leader', () =>
      cluster.leaderOf(run.topic, run.partition).catch(() => undefined),
    );
  }

  /** Sends of the relay that Kafka did not take, for this reason. */
  function failedSends(reason = 'not relayed, tries again'): number {
    return world.relays[0]!.log.split(reason).length;
  }

  async function setMinInSync(count: number): Promise<void> {
    const configEntries = [{ name: 'min.insync.replicas', value: String(count) }];
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: run.topic, configEntries }];
    // Refused while a leader is being elected.
    await waitUntil('Kafka takes the setting', () =>
      withAdmin((admin) => admin.alterConfigs({ validateOnly: false, resources })).then(
        () => true,
        () => false,
      ),
    );
  }

  it('F17: with all brokers down the gateway goes on accepting; then the outbox drains, nothing is lost', async () => {
    await run.buy(100);
    await run.drained();
    await cluster.killAll();
    for (let round = 0; round < 5; round += 1) await run.buy(100);
    expect(await run.outboxLength()).toBeGreaterThan(0);
    expect(await run.confirmed()).toHaveLength(100);

    await cluster.startAll();
    await run.proved();
  });

  it('F18: the leader dies again and again, nothing is lost', async () => {
    for (let round = 0; round < 2; round += 1) {
      const leader = await leaderNow();
      await run.buy(50);
      await cluster.kill(leader);
      await run.buy(50);
      await cluster.startAll();
      await run.buy(50);
    }
    await run.proved();
  });

  it('F18: with two of three down nothing is acknowledged, nothing is parked, and it goes on by itself', async () => {
    await run.buy(50);
    await run.drained();
    const leader = await leaderNow();
    const failures = failedSends();
    await cluster.kill(...BROKERS.filter((id) => id !== leader));
    await run.buy(200);
    await waitUntil('a send has failed', () => failedSends() > failures, { timeoutMs: 90_000 });
    expect(await run.isRelayed()).toBe(false);

    await cluster.startAll();
    await run.proved();
  });

  it('F19: while too few copies are in sync sends are refused, and tried again until they are taken', async () => {
    await run.buy(50);
    await run.drained();
    const refusals = failedSends(TOO_FEW);
    await setMinInSync(3);
    const leader = await leaderNow();
    await cluster.kill(...BROKERS.filter((id) => id !== leader).slice(0, 1));
    await run.buy(50);
    await waitUntil('a send was refused', () => failedSends(TOO_FEW) > refusals, { timeoutMs: 90_000 });
    await run.buy(50);
    expect(await run.isRelayed()).toBe(false);

    await setMinInSync(2);
    await run.proved();
    await cluster.startAll();
  });

  it('F18: all are killed and lose the end of their logs; what was acknowledged and is gone comes again from the outbox', async () => {
    await run.buy(100);
    await run.drained();
    const [orders] = world.orders;
    orders!.freeze();
    await run.buy(200);
    await waitUntil('all is acknowledged', () => run.isRelayed());
    const before = await endOffset();
    await cluster.killAll();
    const bytes = await cluster.logBytes(1, run.topic, run.partition);
    await cluster.cutLogs(run.topic, run.partition, Math.floor(bytes / 3));
    await cluster.startAll();
    expect(await waitUntil('Kafka answers', () => endOffset().catch(() => undefined))).toBeLessThan(before);

    orders!.thaw();
    await run.proved();
  });

  it('F20: 500 single sends at once on one producer are 500 messages', async () => {
    const settings = { KAFKA_BROKERS: cluster.brokers };
    const topic = `${world.topicPrefix}single-sends`;
    await createTopic(topic);
    const producer = new BatchProducer(createKafka({ settings, clientId: 'test' }));
    const sent = await Promise.all(
      Array.from({ length: 500 }, (_, index) =>
        producer.send({
          topic,
          partition: 0,
          messages: [{ key: 'k', value: `message ${index}`, headers: {} }],
        }),
      ),
    );
    await producer.disconnect();
    expect(new Set(sent.map(({ outcome }) => outcome))).toEqual(new Set(['acked']));
    const values = (await readTopic(topic)).map(({ value }) => String(value));
    expect(values).toHaveLength(500);
    expect(new Set(values).size).toBe(500);
  });

  it('F22: an orders process that was frozen for longer than its session does no harm when it goes on', async () => {
    const [frozen] = world.orders;
    await run.buy(100);
    frozen!.freeze();
    await run.buy(100);
    const heir = await world.start('orders');
    // Only once the group has given the frozen one up: it holds every partition until then.
    await run.drained();
    frozen!.thaw();
    await run.buy(100);
    await run.proved();
    expect(await heir.stop()).toBe(0);
  });

  it('F23: orders processes come and go under load; each effect once, and the lag returns to 0', async () => {
    for (let round = 0; round < 3; round += 1) {
      const one = await world.start('orders');
      await run.buy(100);
      if (round % 2 === 0) await one.kill();
      else expect(await one.stop()).toBe(0);
      await run.buy(50);
    }
    await run.proved();
  });

  it('F25: a group without offsets begins at the oldest message, and repeats nothing that has been done', async () => {
    await run.buy(100);
    await run.drained();
    const view = await groupView(world);
    for (const orders of world.orders) await orders.stop();
    await run.buy(100);
    await waitUntil('the group is empty, and its offsets are forgotten', () => view.forgetOffsets(), {
      timeoutMs: 60_000,
    });
    await view.close();
    await world.start('orders');
    await run.proved();
  });
});
