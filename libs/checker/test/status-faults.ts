import type { OrderStatusEvent } from '@flux/contracts';
import type { AuditWorld } from '@flux/testing';
import type { SeededFault } from './seeded-fault';

/** What is wrong with the topic of order statuses. */
export const STATUS_FAULTS: readonly SeededFault[] = [
  {
    fault: 'a change that was never published',
    line: 'statuses-published',
    publish: (changes) => changes.filter(({ shopperId }) => shopperId !== 'bob'),
    seed: (world) => Promise.resolve({ offender: `${world.order(2).orderId}: confirmed was not published` }),
  },
  {
    fault: 'changes of an order published in another order',
    line: 'statuses-published',
    publish: (changes) => [...changes].reverse(),
    seed: (world) => Promise.resolve({ offender: `${world.order(3).orderId}: published in the order paid` }),
  },
  {
    fault: 'a published change that never was',
    line: 'statuses-published',
    seed: async (world) => {
      const { orderId } = world.order(1);
      await publish(world, { status: 'paid', id: `${orderId}.paid` });
      return { offender: `${orderId}: paid was published` };
    },
  },
  {
    fault: 'a published change of an order that is nowhere',
    line: 'statuses-published',
    seed: async (world) => {
      const orderId = `${world.saleId}.${world.productId}.${'n'.repeat(22)}`;
      await publish(world, { orderId });
      return { offender: orderId };
    },
  },
  {
    fault: 'a published change that nobody can read',
    line: 'statuses-published',
    seed: async (world) => {
      const { servers, productId: key } = world;
      await servers.producer.send({
        topic: servers.statusTopic,
        messages: [{ key, value: '{ half a body' }],
      });
      return { offender: 'message ' };
    },
  },
  {
    fault: 'a change published under the key of another item',
    line: 'statuses-published',
    seed: async (world) => {
      const [event] = world.statusEvents(world.order(1));
      const { servers } = world;
      const message = { key: 'another', value: JSON.stringify(event) };
      await servers.producer.send({ topic: servers.statusTopic, messages: [message] });
      return { offender: `${world.order(1).orderId}: confirmed was published under another key` };
    },
  },
  ...(
    [
      ['id', { id: 'another' }],
      ['quantity', { quantity: 9 }],
      ['shopper', { shopperId: 'bob' }],
      ['time', { occurredAt: new Date(0).toISOString() }],
    ] as const
  ).map(([field, changes]): SeededFault => {
    return {
      fault: `a change published with another ${field}`,
      line: 'statuses-published',
      seed: async (world) => {
        await publish(world, changes);
        return { offender: `${world.order(1).orderId}: confirmed was published with another ${field}` };
      },
    };
  }),
];

/** Publishes the first order's confirmation with changes. */
async function publish(world: AuditWorld, changes: Partial<OrderStatusEvent>): Promise<void> {
  const events = world.statusEvents(world.order(1)).map((event) => ({ ...event, ...changes }));
  await world.sendStatuses(events);
}
