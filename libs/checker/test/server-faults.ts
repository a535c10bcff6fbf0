import type { AuditWorld } from '@flux/testing';
import type { SeededFault } from './seeded-fault';

/** What is broken in Redis, Kafka or PostgreSQL. */
export const SERVER_FAULTS: readonly SeededFault[] = [
  {
    fault: 'an outbox entry that was never settled',
    line: 'at-rest',
    seed: async (world) => {
      const { orderId, shopperId, quantity, fingerprint } = world.order(7);
      const line = [orderId, shopperId, quantity, fingerprint].join(' ');
      await world.servers.redis.xadd(
        world.keys.outbox,
        '1-7',
        'first',
        7,
        'at',
        world.startedAtMs,
        'orders',
        line,
      );
      return { offender: world.productId };
    },
  },
  {
    fault: 'a message that nobody consumed',
    line: 'at-rest',
    seed: async (world) => {
      await world.servers.commitOffsets(1);
      return { offender: 'partition', history: world.historyLines() };
    },
  },
  {
    fault: 'a stock change half done',
    line: 'at-rest',
    seed: async (world) => {
      const { saleId, productId } = world;
      const insert = `INSERT INTO stock_changes (id, sale_id, product_id, delta, reason, actor) VALUES ($1,$2,$3,1,'','')`;
      await world.servers.sql(insert, `change-${saleId}`, saleId, productId);
      return { offender: productId };
    },
  },
  {
    fault: 'a unit too many at the gate',
    line: 'conservation',
    consequences: ['gate-equals-ledger'],
    seed: async (world) => {
      const { keys, productId } = world;
      await world.servers.redis.incr(keys.stock);
      return { offender: productId };
    },
  },
  {
    fault: 'a unit moved from held to sold in the counters only',
    line: 'ledger-counters',
    seed: async (world) => {
      const { saleId, productId } = world;
      await world.servers.sql(
        `UPDATE ledger SET held = held - 1, sold = sold + 1 WHERE sale_id = $1 AND product_id = $2`,
        saleId,
        productId,
      );
      return { offender: productId };
    },
  },
  {
    fault: 'more live units than there were',
    line: 'no-oversell',
    consequences: ['conservation', 'ledger-counters', 'gate-equals-ledger'],
    seed: async (world) => {
      const { saleId, productId } = world;
      await world.servers.sql(
        `UPDATE ledger SET initial = 6, held = 2 WHERE sale_id = $1 AND product_id = $2`,
        saleId,
        productId,
      );
      return { offender: productId };
    },
  },
  ...(['epoch', 'sequence', 'limit', 'hold'] as const).map((field): SeededFault => {
    return {
      fault: `another ${field} at the gate`,
      line: 'gate-equals-ledger',
      // What records name is then of an epoch that PostgreSQL does not have: their sequences, a wish to cancel.
      consequences: field === 'epoch' ? ['accepted-recorded', 'sequences'] : [],
      seed: async (world) => {
        const { keys, productId } = world;
        await world.servers.redis.hincrby(keys.item, field, 1);
        return { offender: `${productId}: ${field}` };
      },
    };
  }),
  {
    fault: 'a watermark that the gate does not have',
    line: 'gate-equals-ledger',
    consequences: ['statuses'],
    seed: async (world) => {
      const { keys, productId } = world;
      await world.servers.redis.hset(keys.item, 'watermark', 6);
      return { offender: `${productId}: watermark` };
    },
  },
  {
    fault: 'the stock key gone',
    line: 'gate-equals-ledger',
    seed: async (world) => {
      const { keys, productId } = world;
      await world.servers.redis.del(keys.stock);
      return { offender: `${productId}: available is missing` };
    },
  },
  {
    fault: 'all keys of a live item gone',
    line: 'gate-equals-ledger',
    seed: async (world) => {
      const { keys, productId } = world;
      await world.servers.redis.del(keys.item, keys.stock, keys.orders, keys.shoppers);
      return { offender: productId };
    },
  },
  {
    fault: 'a record without a row',
    line: 'accepted-recorded',
    seed: async (world) => {
      const { orderId } = await forgedOrder(world);
      return { offender: orderId };
    },
  },
  {
    fault: 'a row deleted',
    line: 'accepted-recorded',
    consequences: [
      'conservation',
      'ledger-counters',
      'events-applied',
      'shoppers',
      'sequences',
      'statuses-published',
      'clients-nothing-lost',
    ],
    seed: async (world) => {
      const { orderId } = world.order(1);
      await world.servers.sql('DELETE FROM orders WHERE order_id = $1', orderId);
      return { offender: orderId };
    },
  },
  {
    fault: 'an outbox entry without a record',
    line: 'accepted-recorded',
    consequences: ['at-rest', 'conservation', 'gate-equals-ledger', 'shoppers'],
    seed: async (world) => {
      const orderId = `${world.saleId}.${world.productId}.${'n'.repeat(22)}`;
      const line = [orderId, 'gus', 1, 'f'.repeat(11)].join(' ');
      await world.servers.redis.xadd(
        world.keys.outbox,
        '1-8',
        'first',
        8,
        'at',
        world.startedAtMs,
        'orders',
        line,
      );
      return { offender: orderId };
    },
  },
  {
    fault: 'a surplus event',
    line: 'events-applied',
    seed: async (world) => {
      const orderId = `${world.saleId}.${world.productId}.${'s'.repeat(22)}`;
      await world.sendEvent([{ ...world.order(7), orderId, sequence: 11 }]);
      return { offender: orderId };
    },
  },
  {
    fault: 'an event with other units than its row',
    line: 'events-applied',
    seed: async (world) => {
      await world.sendEvent([{ ...world.order(7), quantity: 2 }]);
      return { offender: `${world.order(7).orderId}: quantity` };
    },
  },
  {
    fault: 'an unreadable message that is not parked',
    line: 'events-applied',
    seed: async (world) => {
      const { partition, offset } = await world.send('{ half a body');
      await world.servers.commitOffsets();
      return { offender: `message ${partition}/${offset}` };
    },
  },
  {
    fault: 'a row that neither gate nor Kafka knows',
    line: 'no-unexpected-orders',
    consequences: ['statuses', 'statuses-published', 'clients-asked'],
    seed: async (world) => {
      const orderId = `${world.saleId}.${world.productId}.${'u'.repeat(22)}`;
      await world.insertRow({ ...world.order(4), sequence: 11 }, { orderId });
      return { offender: orderId };
    },
  },
  {
    fault: 'a row of an item that the sale does not have',
    line: 'no-unexpected-orders',
    consequences: ['statuses-published', 'clients-asked'],
    seed: async (world) => {
      const orderId = `${world.saleId}.no-item.${'u'.repeat(22)}`;
      await world.insertRow({ ...world.order(4), sequence: 11 }, { orderId, productId: 'no-item' });
      return { offender: orderId };
    },
  },
  ...(['fingerprint', 'shopperId', 'acceptedAtMs'] as const).map((field): SeededFault => {
    return {
      fault: `a record with another ${field}`,
      line: 'statuses',
      seed: async (world) => {
        const order = world.order(1);
        await world.setRecord(
          { ...order, [field]: field === 'acceptedAtMs' ? 1 : 'another' },
          { state: '-' },
        );
        return { offender: order.orderId };
      },
    };
  }),
  {
    fault: 'a record with another state',
    line: 'statuses',
    seed: async (world) => {
      await world.setRecord(world.order(1), { state: 'x' });
      return { offender: world.order(1).orderId };
    },
  },
  {
    fault: 'a record with other units',
    line: 'statuses',
    seed: async (world) => {
      await world.setRecord(world.order(1), { state: '-', quantity: 2 });
      return { offender: `${world.order(1).orderId}: quantity` };
    },
  },
  {
    fault: 'a record that cannot be read',
    line: 'statuses',
    seed: async (world) => {
      await world.servers.redis.hset(world.keys.orders, world.order(1).orderId, 'c|1');
      return { offender: world.order(1).orderId };
    },
  },
  {
    fault: 'a record forgotten',
    line: 'statuses',
    seed: async (world) => {
      await world.servers.redis.hdel(world.keys.orders, world.order(1).orderId);
      return { offender: world.order(1).orderId };
    },
  },
  {
    fault: "a shopper's count too high",
    line: 'shoppers',
    seed: async (world) => {
      const { keys } = world;
      await world.servers.redis.hincrby(keys.shoppers, 'ann', 1);
      return { offender: 'ann: 3 units' };
    },
  },
  {
    fault: 'a shopper forgotten whose order was refused',
    line: 'shoppers',
    seed: async (world) => {
      const { keys } = world;
      await world.servers.redis.hdel(keys.shoppers, 'dan');
      return { offender: 'dan' };
    },
  },
  {
    fault: 'a shopper over the limit',
    line: 'shoppers',
    seed: async (world) => {
      const { keys, saleId, productId } = world;
      await world.servers.redis.hset(keys.item, 'limit', 1);
      await world.servers.sql(
        'UPDATE items SET per_shopper_limit = 1 WHERE sale_id = $1 AND product_id = $2',
        saleId,
        productId,
      );
      return { offender: 'ann: 2 live units' };
    },
  },
  {
    fault: 'a pass that was good for two orders',
    line: 'passes',
    consequences: ['events-applied'],
    seed: async (world) => {
      const passId = world.order(3).passId ?? '';
      const update = 'UPDATE orders SET pass_id = $2 WHERE order_id = $1';
      await world.servers.sql(update, world.order(1).orderId, passId);
      return {
        offender: `${passId}: redeemed by ${world.order(1).orderId} and by ${world.order(3).orderId}`,
      };
    },
  },
  {
    fault: 'a pass of a cancelled order that the gate would take again',
    line: 'passes',
    seed: async (world) => {
      const passId = world.order(6).passId ?? '';
      await world.servers.redis.srem(world.keys.passes, passId);
      return { offender: `${passId}: redeemed by ${world.order(6).orderId}, and the gate` };
    },
  },
  {
    fault: 'a pass that was taken for nothing',
    line: 'passes',
    seed: async (world) => {
      await world.servers.redis.sadd(world.keys.passes, 'pass-of-gus-0001');
      return { offender: 'pass-of-gus-0001: redeemed in the gate' };
    },
  },
  {
    fault: 'a pass that a row lacks',
    line: 'events-applied',
    consequences: ['passes'],
    seed: async (world) => {
      await world.servers.sql('UPDATE orders SET pass_id = NULL WHERE order_id = $1', world.order(5).orderId);
      return { offender: `${world.order(5).orderId}: passId is pass-of-eve-0001` };
    },
  },
  {
    fault: 'a sequence that two orders have',
    line: 'sequences',
    seed: async (world) => {
      await world.servers.sql('UPDATE orders SET sequence = 3 WHERE order_id = $1', world.order(4).orderId);
      return { offender: `${world.productId}: sequence 4 is missing` };
    },
  },
  {
    fault: 'a sequence that the gate gave to another order',
    line: 'sequences',
    seed: async (world) => {
      await world.setRecord(world.order(1), { state: '-', sequence: 2 });
      return { offender: `${world.order(1).orderId}: sequence 2` };
    },
  },
  {
    fault: 'a sequence that Kafka knows under another order',
    line: 'sequences',
    consequences: ['events-applied'],
    seed: async (world) => {
      const orderId = `${world.saleId}.${world.productId}.${'s'.repeat(22)}`;
      await world.sendEvent([{ ...world.order(7), orderId }]);
      return { offender: `${orderId}: sequence 7` };
    },
  },
  {
    fault: 'an event that gives an order a second sequence',
    line: 'sequences',
    seed: async (world) => {
      await world.sendEvent([{ ...world.order(7), sequence: 11 }]);
      return { offender: `${world.order(7).orderId}: sequence 11` };
    },
  },
  {
    fault: 'a watermark that is not its order’s sequence',
    line: 'sequences',
    seed: async (world) => {
      const update = 'UPDATE ledger SET watermark_order_id = $3 WHERE sale_id = $1 AND product_id = $2';
      await world.servers.sql(update, world.saleId, world.productId, world.order(7).orderId);
      return { offender: `${world.productId}: the watermark 10` };
    },
  },
];

/** A record in the gate for an order that is nowhere else, ended so that no other account notices it. */
async function forgedOrder(world: AuditWorld): Promise<{ readonly orderId: string }> {
  const orderId = `${world.saleId}.${world.productId}.${'g'.repeat(22)}`;
  await world.setRecord({ ...world.order(4), orderId, sequence: 0 }, { state: 'r' });
  return { orderId };
}
