import {
  BatchConsumer,
  consumerGroup,
  createTopic,
  deleteTopics,
  kafkaThrough,
  readTopic,
  startKafkaProxy,
  testKafkaSettings,
  waitUntil,
  type TcpProxy,
} from '@flux/testing';
import type { BatchAnswer } from './batch-handler';
import { BatchProducer } from './batch-producer';
import { KafkaAdmin } from './kafka-admin';
import { createKafka } from './kafka-client';
import { prefixed } from './settings';

jest.setTimeout(90_000);

const settings = testKafkaSettings({ FLUX_KAFKA_PARTITIONS: 1 });
const direct = new BatchProducer(createKafka({ settings, clientId: 'test' }));
const admin = new KafkaAdmin(createKafka({ settings, clientId: 'test' }));
const DONE: BatchAnswer = { next: 'done' };
const proxies: TcpProxy[] = [];
const running: BatchConsumer[] = [];

async function startProxy(): Promise<TcpProxy> {
  const proxy = await startKafkaProxy();
  proxies.push(proxy);
  return proxy;
}

async function send(topic: string, values: readonly string[]): Promise<void> {
  const messages = values.map((value) => ({ key: 'k', value, headers: {} }));
  expect(await direct.send({ topic: prefixed(settings, topic), partition: 0, messages })).toEqual({
    outcome: 'acked',
  });
}

async function lag(topic: string): Promise<number> {
  const lags = await admin.lag(consumerGroup({ settings, topic }), prefixed(settings, topic));
  return Number(lags.get(0));
}

afterAll(async () => {
  for (const proxy of proxies) proxy.set('pass');
  await Promise.all(running.map((consumer) => consumer.stop()));
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await direct.disconnect();
  await admin.disconnect();
  await deleteTopics(settings.FLUX_TOPIC_PREFIX);
});

describe('a producer whose connection is cut', () => {
  it('says which sends failed, and sends again when it is back', async () => {
    await createTopic(prefixed(settings, 'producer'));
    const proxy = await startProxy();
    const producer = new BatchProducer(kafkaThrough(proxy));
    const sendOne = (value: string) =>
      producer.send({
        topic: prefixed(settings, 'producer'),
        partition: 0,
        messages: [{ key: 'k', value, headers: {} }],
      });
    expect(await sendOne('before')).toEqual({ outcome: 'acked' });
    proxy.set('cut');
    expect(await sendOne('during')).toMatchObject({ outcome: 'failed', acked: 0 });
    proxy.set('pass');
    await waitUntil('it sends again', async () => (await sendOne('after')).outcome === 'acked');
    await producer.disconnect();
    const values = (await readTopic(prefixed(settings, 'producer'))).map(({ value }) => String(value));
    expect(values[0]).toBe('before');
    expect(values.at(-1)).toBe('after');
  });
});

describe('a consumer whose connection is cut', () => {
  it('comes back by itself and goes on where it was', async () => {
    const topic = 'cut';
    await createTopic(prefixed(settings, topic));
    const proxy = await startProxy();
    const consumer = await BatchConsumer.start({
      settings,
      topic,
      kafka: kafkaThrough(proxy),
      handle: () => DONE,
    });
    running.push(consumer);
    await send(topic, ['1', '2']);
    await waitUntil('it works', () => consumer.handled.length === 2);
    await waitUntil('it has committed', async () => (await lag(topic)) === 0);
    proxy.set('cut');
    await send(topic, ['3', '4']);
    // Long enough for kafkajs to give up its retries and restart the consumer at least once.
    await waitUntil('the consumer has noticed', () => !consumer.strategy.isConsuming, { timeoutMs: 60_000 });
    proxy.set('pass');
    await waitUntil('it works again', () => consumer.handled.length === 4, { timeoutMs: 60_000 });
    expect(consumer.values).toEqual(['1', '2', '3', '4']);
    expect(consumer.fatal).toEqual([]);
  });
});

describe('a consumer that is frozen for longer than its session', () => {
  it.each<BatchAnswer>([DONE, { next: 'park', reason: 'half of it would be next' }])(
    'is replaced from the committed offset; then it commits nothing and begins nothing stale (%j)',
    async (late) => {
      const topic = `zombie-${late.next}`;
      await createTopic(prefixed(settings, topic));
      await send(topic, ['1', '2', '3', '4', '5', '6']);
      const proxy = await startProxy();
      const tuning = { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 1_000 };
      let thaw: () => void = () => undefined;
      const thawed = new Promise<void>((resolve) => (thaw = resolve));
      let calls = 0;
      const zombie = await BatchConsumer.start({
        settings,
        topic,
        kafka: kafkaThrough(proxy),
        consumer: tuning,
        limits: { messages: 2, bytes: 1_000 },
        handle: async () => {
          calls += 1;
          if (calls !== 2) return DONE;
          proxy.set('hold');
          await thawed;
          return late;
        },
      });
      running.push(zombie);
      await waitUntil('its second batch is being handled', () => calls === 2);

      const heir = await BatchConsumer.start({ settings, topic, consumer: tuning, handle: () => DONE });
      running.push(heir);
      await waitUntil('the rest is handled by the heir', () => heir.handled.length === 4);
      expect(heir.values).toEqual(['3', '4', '5', '6']);

      const { joins } = zombie;
      proxy.set('pass');
      thaw();
      await waitUntil('the zombie is a member again', () => zombie.joins > joins, { timeoutMs: 60_000 });
      expect(calls).toBe(2);
      expect(zombie.parked).toEqual([]);
      expect(await lag(topic)).toBe(0);
      expect(zombie.fatal).toEqual([]);
    },
  );
});
