import type { OrderStatus } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import type { AuditWorld } from '@flux/testing';
import type { SeededFault } from './seeded-fault';

/** What is wrong with the lives of orders: their rows, their wishes to be cancelled, what the gate got back. */
export const LIFE_FAULTS: readonly SeededFault[] = [
  {
    fault: 'an order whose end the gate has not heard of',
    line: 'at-rest',
    seed: async (world) => {
      await world.servers.sql('UPDATE orders SET gate_epoch = 1 WHERE order_id = $1', world.order(9).orderId);
      return { offender: `${world.productId}: 1 orders` };
    },
  },
  {
    fault: 'a change that is not published',
    line: 'at-rest',
    seed: async (world) => {
      const insert = `INSERT INTO order_events (sale_id, product_id, events) VALUES ($1, $2, '[]')`;
      await world.servers.sql(insert, world.saleId, world.productId);
      return { offender: `${world.productId}: 1 transactions` };
    },
  },
  {
    fault: 'a paid order that was cancelled',
    line: 'lives',
    consequences: ['statuses-published'],
    seed: async (world) => {
      await setPast(world, 6, ['confirmed', 'paid']);
      return { offender: `${world.order(6).orderId}: paid became cancelled` };
    },
  },
  {
    fault: 'an order that was paid before it was confirmed',
    line: 'lives',
    consequences: ['statuses-published'],
    seed: async (world) => {
      await setPast(world, 3, []);
      return { offender: `${world.order(3).orderId}: nothing became paid` };
    },
  },
  {
    fault: 'an order that ended twice',
    line: 'lives',
    consequences: ['statuses-published'],
    seed: async (world) => {
      await setPast(world, 9, ['confirmed', 'cancelled']);
      return { offender: `${world.order(9).orderId}: ended 2 times` };
    },
  },
  {
    fault: 'a wish to cancel that nobody did',
    line: 'lives',
    seed: async (world) => {
      const order = world.order(7);
      const update = 'UPDATE orders SET cancel_epoch = 1, cancel_sequence = 11 WHERE order_id = $1';
      await world.servers.sql(update, order.orderId);
      await world.setRecord(order, { state: '-', cancelSequence: 11 });
      return { offender: order.orderId };
    },
  },
  {
    fault: 'a wish to cancel that only the gate has',
    line: 'accepted-recorded',
    seed: async (world) => {
      await world.setRecord(world.order(7), { state: '-', cancelSequence: 11 });
      return { offender: world.order(7).orderId };
    },
  },
  {
    fault: 'a wish to cancel that the gate has forgotten',
    line: 'statuses',
    seed: async (world) => {
      await world.setRecord(world.order(6), { state: 'x', cancelSequence: undefined });
      return { offender: world.order(6).orderId };
    },
  },
  {
    fault: 'a wish to cancel that only Kafka has',
    line: 'events-applied',
    seed: async (world) => {
      await sendWish(world, { ...world.wish(world.order(7)), firstSequence: 11 });
      return { offender: world.order(7).orderId };
    },
  },
  {
    fault: 'a wish to cancel by somebody else',
    line: 'events-applied',
    seed: async (world) => {
      await sendWish(world, { ...world.wish(world.order(6)), shopperId: 'bob' });
      return { offender: `${world.order(6).orderId}: bob wished` };
    },
  },
  {
    fault: 'a wish to cancel with another sequence than in its row',
    line: 'sequences',
    seed: async (world) => {
      await sendWish(world, { ...world.wish(world.order(6)), firstSequence: 11 });
      return { offender: `${world.order(6).orderId} (its cancel): sequence 11` };
    },
  },
  {
    fault: 'a wish to cancel with the sequence of an order',
    line: 'sequences',
    consequences: ['accepted-recorded'],
    seed: async (world) => {
      await world.setRecord(world.order(7), { state: '-', cancelSequence: 3 });
      return { offender: `${world.order(7).orderId} (its cancel): sequence 3` };
    },
  },
  {
    fault: 'a wish to cancel that its row has forgotten',
    line: 'sequences',
    consequences: ['accepted-recorded', 'events-applied'],
    seed: async (world) => {
      const update = 'UPDATE orders SET cancel_epoch = NULL, cancel_sequence = NULL WHERE order_id = $1';
      await world.servers.sql(update, world.order(6).orderId);
      return { offender: `${world.productId}: sequence 10 is missing` };
    },
  },
  {
    fault: 'an ended order whose units the gate did not get',
    line: 'releases',
    seed: async (world) => {
      await world.servers.redis.hdel(itemKeys(world.item).changes, `release:${world.order(6).orderId}`);
      return { offender: `${world.order(6).orderId}: it is cancelled` };
    },
  },
  {
    fault: 'a held order whose units the gate got',
    line: 'releases',
    seed: async (world) => {
      await noteChange(world, `release:${world.order(1).orderId}`, 1);
      return { offender: world.order(1).orderId };
    },
  },
  {
    fault: 'an ended order of which the gate got too few units',
    line: 'releases',
    seed: async (world) => {
      await noteChange(world, `release:${world.order(9).orderId}`, 1);
      return { offender: `${world.order(9).orderId}: the gate got 1 units` };
    },
  },
  {
    fault: 'units that came back from nowhere',
    line: 'releases',
    seed: async (world) => {
      await noteChange(world, 'back:nobody', 1);
      return { offender: 'back:nobody' };
    },
  },
];

export async function noteChange(world: AuditWorld, changeId: string, units: number): Promise<void> {
  await world.servers.redis.hset(world.keys.changes, changeId, units);
}

async function setPast(world: AuditWorld, sequence: number, past: readonly OrderStatus[]): Promise<void> {
  const order = world.order(sequence);
  const history = world.pastOf({ ...order, past });
  const update = 'UPDATE orders SET history = $2 WHERE order_id = $1';
  await world.servers.sql(update, order.orderId, JSON.stringify(history));
}

async function sendWish(world: AuditWorld, wish: ReturnType<AuditWorld['wish']>): Promise<void> {
  await world.send(JSON.stringify(wish));
  await world.servers.commitOffsets();
}
