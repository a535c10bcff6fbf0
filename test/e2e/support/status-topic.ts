import { itemOfOrderId, orderStatusEventSchema } from '@flux/contracts';
import { kafkaBrokers } from '@flux/testing';
import { Kafka, logLevel } from 'kafkajs';
import { randomUUID } from 'node:crypto';

/** The statuses of a sale's orders in the order in which a consumer reads them, each change once. */
export async function statusesIn(topic: string, saleId: string): Promise<ReadonlyMap<string, string[]>> {
  const kafka = new Kafka({ brokers: kafkaBrokers().split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  let left = ends.reduce((sum, { high }) => sum + Number(high), 0);
  const statuses = new Map<string, string[]>();
  if (left === 0) return statuses;

  const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 50 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          autoCommit: false,
          eachMessage: ({ message }) => {
            const event = orderStatusEventSchema.parse(JSON.parse(String(message.value)));
            const known = statuses.get(event.orderId) ?? [];
            const isNew = !known.includes(event.status);
            if (isNew && itemOfOrderId(event.orderId)?.saleId === saleId) {
              statuses.set(event.orderId, [...known, event.status]);
            }
            left -= 1;
            if (left === 0) resolve();
            return Promise.resolve();
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return statuses;
}
