import { setTimeout as pause } from 'node:timers/promises';
import { ORDERS_ACCEPTED_TOPIC } from '@flux/contracts';
import type { Fault } from './fault';

export const kafkaFaults: readonly Fault[] = [
  {
    id: 'F17',
    name: 'kafka killed',
    // The tool that starts the broker again looks at PostgreSQL, too.
    breaks: ['kafka', 'postgres'],
    lastsMs: [500, 2_000],
    strike: async ({ world: { servers }, lastsMs }) => {
      servers.kill('kafka');
      await pause(lastsMs);
      await servers.start();
      return `kill -9, down for more than ${lastsMs} ms`;
    },
  },
  {
    id: 'F17',
    name: 'kafka frozen',
    breaks: ['kafka'],
    lastsMs: [1_000, 3_000],
    strike: async ({ world: { servers }, lastsMs }) => {
      servers.freeze('kafka');
      await pause(lastsMs);
      servers.thaw('kafka');
      return `SIGSTOP for ${lastsMs} ms`;
    },
  },
  {
    id: 'F24',
    name: 'poison messages',
    breaks: [],
    lastsMs: [0, 0],
    strike: async ({ world }) => {
      const producer = world.kafka().producer();
      await producer.connect();
      try {
        const messages = [
          { key: 'plenty', value: '{ half a body' },
          {
            key: 'plenty',
            value: JSON.stringify({ type: 'orders-accepted', version: 99, productId: 'plenty' }),
          },
          { key: 'plenty', value: 'x'.repeat(900_000) },
          { key: 'plenty', value: JSON.stringify(eventOf({ saleId: 'nowhere' })) },
          { key: 'plenty', value: JSON.stringify(eventOf({ quantity: -1 })) },
          { key: null, value: '{}' },
          { key: 'flash', value: null },
        ];
        await producer.send({ topic: `${world.topicPrefix}${ORDERS_ACCEPTED_TOPIC}`, acks: -1, messages });
        return `${messages.length} messages`;
      } finally {
        await producer.disconnect();
      }
    },
  },
];

/** Looks like an event, and is none that the gate could have made. */
function eventOf({
  saleId = 'steady',
  quantity = 1,
}: {
  readonly saleId?: string;
  readonly quantity?: number;
}) {
  return {
    type: 'orders-accepted.v1',
    saleId,
    productId: 'plenty',
    epoch: 1,
    firstSequence: 1,
    acceptedAtMs: 1,
    orders: [
      {
        orderId: `${saleId}.plenty.${'A'.repeat(22)}`,
        shopperId: 'nobody',
        quantity,
        fingerprint: 'A'.repeat(11),
      },
    ],
  };
}
