import {
  BatchConsumer,
  consumerGroup,
  createTopic,
  deleteTopics,
  testKafkaSettings,
  waitUntil,
} from '@flux/testing';
import type { BatchAnswer, ParkingPort } from './batch-handler';
import { BatchProducer } from './batch-producer';
import { KafkaAdmin } from './kafka-admin';
import { createKafka } from './kafka-client';
import { prefixed } from './settings';

jest.setTimeout(90_000);

const settings = testKafkaSettings();
const kafka = createKafka({ settings, clientId: 'test' });
const producer = new BatchProducer(kafka);
const admin = new KafkaAdmin(kafka);
const DONE: BatchAnswer = { next: 'done' };

type Options = Parameters<typeof BatchConsumer.start>[0];
const running: BatchConsumer[] = [];

async function start(
  topic: string,
  handle: Options['handle'],
  options: Partial<Options> = {},
): Promise<BatchConsumer> {
  const consumer = await BatchConsumer.start({ settings, topic, handle, ...options });
  running.push(consumer);
  return consumer;
}

async function send(topic: string, values: readonly string[], partition = 0): Promise<void> {
  const messages = values.map((value) => ({ key: 'product', value, headers: { type: 'test' } }));
  const outcome = await producer.send({ topic: prefixed(settings, topic), partition, messages });
  expect(outcome).toEqual({ outcome: 'acked' });
}

async function freshTopic(topic: string, partitions = 1): Promise<string> {
  await createTopic(prefixed(settings, topic), partitions);
  return topic;
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}

async function lag(topic: string): Promise<number> {
  const lags = await admin.lag(consumerGroup({ settings, topic }), prefixed(settings, topic));
  return [...lags.values()].reduce((sum, one) => sum + Number(one), 0);
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((consumer) => consumer.stop()));
});

afterAll(async () => {
  await producer.disconnect();
  await admin.disconnect();
  await deleteTopics(settings.FLUX_TOPIC_PREFIX);
});

describe('done', () => {
  it('a new group begins at the oldest message, gets all in order, and commits', async () => {
    const topic = await freshTopic('done', 3);
    for (const partition of [0, 1, 2]) await send(topic, numbers(0, 500), partition);
    const consumer = await start(topic, () => DONE);
    await waitUntil('all are handled', () => consumer.handled.length === 1_500);
    for (const partition of [0, 1, 2]) {
      const own = consumer.handled.filter((message) => message.partition === partition);
      expect(own.map(({ value }) => String(value))).toEqual(numbers(0, 500));
    }
    await waitUntil('the offsets are committed', async () => (await lag(topic)) === 0);
    expect(Object.fromEntries(consumer.lags)).toEqual({ 0: 0, 1: 0, 2: 0 });
    expect(consumer.strategy.isConsuming).toBe(true);
  });

  it('cuts what was fetched by count and by bytes', async () => {
    const topic = await freshTopic('cut');
    await send(topic, [...numbers(0, 100), ...Array<string>(10).fill('x'.repeat(1_000))]);
    const consumer = await start(topic, () => DONE, { limits: { messages: 30, bytes: 3_000 } });
    await waitUntil('all are handled', () => consumer.handled.length === 110);
    for (const { messages } of consumer.batches) {
      const bytes = messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      expect(messages.length).toBeLessThanOrEqual(30);
      expect(bytes).toBeLessThanOrEqual(3_000);
    }
  });

  it('takes messages without key, value or headers', async () => {
    const topic = await freshTopic('nulls');
    const raw = kafka.producer();
    await raw.connect();
    await raw.send({ topic: prefixed(settings, topic), messages: [{ key: null, value: null }] });
    await raw.disconnect();
    const consumer = await start(topic, () => DONE);
    const [message] = await waitUntil('it is handled', () => consumer.handled.length > 0 && consumer.handled);
    expect(message).toMatchObject({ key: undefined, value: undefined, headers: {} });
  });

  it('works on several partitions at the same time', async () => {
    const topic = await freshTopic('parallel', 2);
    await Promise.all([send(topic, ['a'], 0), send(topic, ['b'], 1)]);
    let inside = 0;
    let release: () => void = () => undefined;
    const both = new Promise<void>((resolve) => (release = resolve));
    const consumer = await start(topic, async () => {
      inside += 1;
      if (inside === 2) release();
      await both;
      return DONE;
    });
    await waitUntil('both are handled', () => consumer.handled.length === 2);
  });
});

describe('retry', () => {
  it('comes again until it works, is never parked, and holds up no other partition', async () => {
    const topic = await freshTopic('retry', 2);
    await send(topic, numbers(0, 10), 0);
    await send(topic, numbers(10, 20), 1);
    let healed = false;
    const consumer = await start(topic, ({ partition }) =>
      partition === 0 && !healed ? { next: 'retry', reason: 'database' } : DONE,
    );
    await waitUntil('the other partition is done', () => consumer.handled.length === 10);
    await send(topic, numbers(20, 30), 1);
    await waitUntil('and goes on', () => consumer.handled.length === 20);
    await waitUntil('it was tried often', () => consumer.retried.length >= 5);
    expect(consumer.retried).toEqual(consumer.retried.map((_, index) => index + 1));
    healed = true;
    await waitUntil('all are handled', () => consumer.handled.length === 30);
    expect(consumer.parked).toEqual([]);
    expect(consumer.values.filter((value) => Number(value) < 10)).toEqual(numbers(0, 10));
    await waitUntil('the offsets are committed', async () => (await lag(topic)) === 0);
  });

  it('keeps the assignment for longer than the session timeout, waiting and in a slow call', async () => {
    const topic = await freshTopic('patience');
    await send(topic, ['slow']);
    const tuning = { sessionTimeoutMs: 6_000, heartbeatIntervalMs: 1_000 };
    const startedAt = Date.now();
    let slowCalls = 0;
    const consumer = await start(
      topic,
      async () => {
        if (Date.now() - startedAt < 6_500) return { next: 'retry', reason: 'not yet' };
        slowCalls += 1;
        const enteredAt = Date.now();
        // A transaction that takes longer than the session: only heartbeats during the call keep the partition.
        await waitUntil('7.5 s have passed', () => Date.now() - enteredAt > 7_500);
        return DONE;
      },
      { consumer: tuning },
    );
    await waitUntil('it is handled', () => consumer.handled.length === 1);
    expect({ joins: consumer.joins, slowCalls }).toEqual({ joins: 1, slowCalls: 1 });
    await waitUntil('the offset is committed', async () => (await lag(topic)) === 0);
  });
});

describe('park', () => {
  it('finds the one poison message among a hundred; all others are handled exactly once, in order', async () => {
    const topic = await freshTopic('poison');
    const values = numbers(0, 100).map((value) => (value === '37' ? 'poison' : value));
    await send(topic, values);
    const consumer = await start(topic, ({ messages }) =>
      messages.some(({ value }) => String(value) === 'poison') ? { next: 'park', reason: 'not JSON' } : DONE,
    );
    await waitUntil('all others are handled', () => consumer.handled.length === 99);
    expect(consumer.values).toEqual(values.filter((value) => value !== 'poison'));
    expect(consumer.parked).toEqual([{ offset: 37n, reason: 'not JSON' }]);
    expect(consumer.batches.length).toBeLessThanOrEqual(17);
    await waitUntil('the offsets are committed', async () => (await lag(topic)) === 0);
  });

  it('parks several, also at both ends of the batch', async () => {
    const topic = await freshTopic('poisons');
    const poison = new Set(['0', '50', '51', '99']);
    await send(topic, numbers(0, 100));
    const consumer = await start(topic, ({ messages }) =>
      messages.some(({ value }) => poison.has(String(value))) ? { next: 'park', reason: 'bad' } : DONE,
    );
    await waitUntil('all others are handled', () => consumer.handled.length === 96);
    await waitUntil('four are parked', () => consumer.parked.length === 4);
    expect(consumer.parked.map(({ offset }) => String(offset))).toEqual([...poison]);
    expect(consumer.values).toEqual(numbers(0, 100).filter((value) => !poison.has(value)));
  });

  it('waits for a parking place that is not there for a while', async () => {
    const topic = await freshTopic('full');
    await send(topic, ['poison', 'good']);
    const tries: bigint[] = [];
    const parking: ParkingPort = {
      park: ({ offset }) => {
        tries.push(offset);
        return tries.length < 4 ? Promise.reject(new Error('no connection')) : Promise.resolve();
      },
    };
    const consumer = await start(
      topic,
      ({ messages }) => (String(messages[0]?.value) === 'poison' ? { next: 'park', reason: 'bad' } : DONE),
      { parking },
    );
    await waitUntil('the good one is handled', () => consumer.handled.length === 1);
    expect(tries).toEqual([0n, 0n, 0n, 0n]);
    expect(consumer.values).toEqual(['good']);
  });
});

describe('a handler that throws', () => {
  it('is called again, and what it cannot take is parked within 30 s', async () => {
    const topic = await freshTopic('throws');
    await send(topic, numbers(0, 40));
    const startedAt = Date.now();
    const consumer = await start(topic, ({ messages }) => {
      if (messages.some(({ value }) => String(value) === '13')) throw new TypeError('cannot read 13');
      return DONE;
    });
    await waitUntil('all others are handled', () => consumer.handled.length === 39);
    expect(Date.now() - startedAt).toBeLessThan(30_000);
    expect(consumer.parked).toEqual([
      { offset: 13n, reason: expect.stringContaining('handler failed') as string },
    ]);
    expect(consumer.values).toEqual(numbers(0, 40).filter((value) => value !== '13'));
    expect(consumer.fatal).toEqual([]);
  });

  it('parks nothing when it recovers', async () => {
    const topic = await freshTopic('stumbles');
    await send(topic, numbers(0, 40));
    let calls = 0;
    const consumer = await start(topic, () => {
      calls += 1;
      if (calls < 4) throw new Error('connection reset');
      return DONE;
    });
    await waitUntil('all are handled', () => consumer.handled.length === 40);
    expect(consumer.parked).toEqual([]);
  });

  it('also when it forgets to answer', async () => {
    const topic = await freshTopic('silent');
    await send(topic, ['a', 'b']);
    const consumer = await start(topic, ({ messages }) =>
      messages.some(({ value }) => String(value) === 'a') ? ({} as BatchAnswer) : DONE,
    );
    await waitUntil('the other is handled', () => consumer.handled.length === 1);
    expect(consumer.parked).toHaveLength(1);
  });
});

describe('the group', () => {
  it('takes over where a closed consumer left', async () => {
    const topic = await freshTopic('takeover');
    await send(topic, numbers(0, 50));
    const first = await start(topic, () => DONE);
    await waitUntil('all are handled', () => first.handled.length === 50);
    await first.stop();
    await send(topic, numbers(50, 80));
    const second = await start(topic, () => DONE);
    await waitUntil('the new ones are handled', () => second.handled.length === 30);
    expect(second.values).toEqual(numbers(50, 80));
  });

  it('shares partitions, and gives back those of a process that leaves', async () => {
    const topic = await freshTopic('share', 4);
    const first = await start(topic, () => DONE);
    await waitUntil('one has all', () => first.assigned.length === 4);
    const second = await start(topic, () => DONE);
    await waitUntil('both have two', () => first.assigned.length === 2 && second.assigned.length === 2);
    for (const partition of [0, 1, 2, 3]) await send(topic, numbers(0, 20), partition);
    await waitUntil('all are handled', () => first.handled.length + second.handled.length === 80);
    await second.stop();
    await waitUntil('the first has all again', () => first.assigned.length === 4);
  });

  it('close lets the running batch finish, commits it, and begins no other', async () => {
    const topic = await freshTopic('close');
    await send(topic, numbers(0, 20));
    let entered: () => void = () => undefined;
    const inHandler = new Promise<void>((resolve) => (entered = resolve));
    let leave: () => void = () => undefined;
    const mayLeave = new Promise<void>((resolve) => (leave = resolve));
    const first = await start(
      topic,
      async () => {
        entered();
        await mayLeave;
        return DONE;
      },
      { limits: { messages: 10, bytes: 1_000 } },
    );
    await inHandler;
    const stopped = first.stop();
    leave();
    await stopped;
    expect(first.values).toEqual(numbers(0, 10));
    const committed = await admin.committedOffsets(
      consumerGroup({ settings, topic }),
      prefixed(settings, topic),
    );
    expect(committed.get(0)).toBe(10n);
    expect(await lag(topic)).toBe(10);
    const second = await start(topic, () => DONE);
    await waitUntil('the rest is handled', () => second.handled.length === 10);
    expect(second.values).toEqual(numbers(10, 20));
  });

  it('waits for a topic that does not exist yet', async () => {
    const consumer = await start('late', () => DONE);
    await freshTopic('late');
    await send('late', ['a']);
    await waitUntil('it is handled', () => consumer.handled.length === 1);
  });

  it('tells the process when its preparation fails', async () => {
    const consumer = await start('refused', () => DONE, {
      prepare: () => Promise.reject(new Error('unsafe topic')),
    });
    await waitUntil('the process knows', () => consumer.fatal.length === 1);
    expect(consumer.strategy.isConsuming).toBe(false);
  });
});
