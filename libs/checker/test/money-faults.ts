import type { AuditWorld } from '@flux/testing';
import { noteChange } from './life-faults';
import type { SeededFault } from './seeded-fault';

/** What is wrong with the money, and with the units of payments that came late. */
export const MONEY_FAULTS: readonly SeededFault[] = [
  {
    fault: 'a late payment half done',
    line: 'at-rest',
    seed: async (world) => {
      await addPayment(world, { sequence: 9, paymentId: `half-${world.saleId}`, state: 'pending' });
      return { offender: `${world.productId}: 1 late payments` };
    },
  },
  {
    fault: 'units of a refunded payment that still have to go back',
    line: 'at-rest',
    seed: async (world) => {
      await updatePayment(world, 9, 'give_back_units = 2');
      return { offender: `${world.productId}: 1 late payments` };
    },
  },
  {
    fault: 'a paid order without a payment',
    line: 'payments',
    seed: async (world) => {
      await world.servers.sql('DELETE FROM payments WHERE payment_id = $1', world.paymentOf(3));
      return { offender: world.order(3).orderId };
    },
  },
  {
    fault: 'a payment that counts for an order that is not paid',
    line: 'payments',
    seed: async (world) => {
      const paymentId = `early-${world.saleId}`;
      await addPayment(world, { sequence: 1, paymentId, state: 'applied' });
      return { offender: `${paymentId}: counts for ${world.order(1).orderId}` };
    },
  },
  {
    fault: 'a payment of less than the price',
    line: 'payments',
    seed: async (world) => {
      await updatePayment(world, 3, 'amount_minor = 99');
      return { offender: `${world.paymentOf(3)}: 99 EUR` };
    },
  },
  {
    fault: 'a payment in another currency',
    line: 'payments',
    seed: async (world) => {
      await updatePayment(world, 3, "currency = 'USD'");
      return { offender: `${world.paymentOf(3)}: 100 USD` };
    },
  },
  {
    fault: 'a payment for nothing that nobody refunds',
    line: 'payments',
    seed: async (world) => {
      await world.servers.sql('DELETE FROM refunds WHERE payment_id = $1', world.paymentOf(9));
      return { offender: world.paymentOf(9) };
    },
  },
  {
    fault: 'a refund of less than was paid',
    line: 'payments',
    seed: async (world) => {
      const update = 'UPDATE refunds SET amount_minor = 1 WHERE payment_id = $1';
      await world.servers.sql(update, world.paymentOf(9));
      return { offender: `${world.paymentOf(9)}: amountMinor` };
    },
  },
  {
    fault: 'a refund of a payment that counts',
    line: 'payments',
    seed: async (world) => {
      await addRefund(world, 3, world.paymentOf(3));
      return { offender: `${world.paymentOf(3)}: is to be refunded` };
    },
  },
  {
    fault: 'a refund of money that never came',
    line: 'payments',
    seed: async (world) => {
      const paymentId = `never-${world.saleId}`;
      await addRefund(world, 1, paymentId);
      return { offender: `${paymentId}: is to be refunded, and never came` };
    },
  },
  {
    fault: 'a late payment that took no units',
    line: 'releases',
    seed: async (world) => {
      await world.servers.redis.hdel(world.keys.changes, `pay:${world.paymentOf(8)}`);
      return { offender: world.paymentOf(8) };
    },
  },
  {
    fault: 'a late payment that counts and whose units went back',
    line: 'releases',
    seed: async (world) => {
      await noteChange(world, `back:${world.paymentOf(8)}`, 1);
      return { offender: `${world.paymentOf(8)}: it counts` };
    },
  },
  {
    fault: 'a refunded payment whose units did not go back',
    line: 'releases',
    seed: async (world) => {
      await world.servers.redis.hdel(world.keys.changes, `back:${world.paymentOf(9)}`);
      return { offender: `${world.paymentOf(9)}: it is refunded` };
    },
  },
  {
    fault: 'a refunded payment that gave back what it did not take',
    line: 'releases',
    seed: async (world) => {
      await world.servers.redis.hdel(world.keys.changes, `pay:${world.paymentOf(9)}`);
      return { offender: `${world.paymentOf(9)}: the gate got units back` };
    },
  },
];

async function addPayment(
  world: AuditWorld,
  payment: { readonly sequence: number; readonly paymentId: string; readonly state: string },
): Promise<void> {
  const { sequence, paymentId, state } = payment;
  await world.servers.sql(
    `INSERT INTO payments (payment_id, order_id, amount_minor, currency, state) VALUES ($1, $2, 100, 'EUR', $3)`,
    ...[paymentId, world.order(sequence).orderId, state],
  );
}

async function updatePayment(world: AuditWorld, sequence: number, change: string): Promise<void> {
  await world.servers.sql(`UPDATE payments SET ${change} WHERE payment_id = $1`, world.paymentOf(sequence));
}

async function addRefund(world: AuditWorld, sequence: number, paymentId: string): Promise<void> {
  await world.servers.sql(
    `INSERT INTO refunds (payment_id, order_id, amount_minor, currency, reason) VALUES ($1, $2, 100, 'EUR', '')`,
    ...[paymentId, world.order(sequence).orderId],
  );
}
