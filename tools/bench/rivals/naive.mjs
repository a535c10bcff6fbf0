// A purchase as most shops write it: one command after the other to the same Redis, then one send to the same Kafka.
// It may lose or sell twice what Flux-Gate may not; here it is only timed.
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';

import { answerAccepted, servePurchases } from './purchase-route.mjs';

const TOPIC = 'bench-naive';
const RATE_WINDOW_SECONDS = 1;
const REQUESTS_PER_WINDOW = 1_000_000;
const KEY_SECONDS = 86_400;
const STOCK_KEY = 'naive:stock';
const STOCK = 1_000_000_000;

const DECREMENT = `
  local left = tonumber(redis.call('GET', KEYS[1]))
  if left and left >= tonumber(ARGV[1]) then
    redis.call('DECRBY', KEYS[1], ARGV[1])
    return 1
  end
  return 0`;

const redis = new Redis(process.env.REDIS_URL ?? '');
await redis.set(STOCK_KEY, STOCK);
const kafka = new Kafka({
  brokers: (process.env.KAFKA_BROKERS ?? '').split(','),
  logLevel: logLevel.ERROR,
});
const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 8 }], waitForLeaders: true });
await admin.disconnect();
const producer = kafka.producer();
await producer.connect();

await servePurchases(async (request, reply) => {
  const { body, headers } = request;
  const key = `naive:key:${String(headers['idempotency-key'])}`;
  const counter = `naive:rate:${request.ip}`;
  const requests = await redis.incr(counter);
  if (requests === 1) await redis.expire(counter, RATE_WINDOW_SECONDS);
  if (requests > REQUESTS_PER_WINDOW) return reply.code(429).send({ error: 'too many requests' });

  const earlier = await redis.get(key);
  if (earlier !== null) return reply.code(202).header('idempotency-replayed', 'true').send(earlier);

  const taken = await redis.eval(DECREMENT, 1, STOCK_KEY, body.quantity);
  if (taken !== 1) return reply.code(409).send({ error: 'sold out' });

  const answer = answerAccepted(body, reply);
  await producer.send({ topic: TOPIC, acks: -1, messages: [{ key: body.productId, value: answer }] });
  await redis.set(key, answer, 'EX', KEY_SECONDS);
  return reply.send(answer);
});
