import type { AuditWorld } from '@flux/testing';
import type { SeededFault } from './seeded-fault';

/** What is wrong with the topic of the ledger's events. */
export const LEDGER_LOG_FAULTS: readonly SeededFault[] = [
  {
    fault: 'a transaction whose event was never published',
    line: 'ledger-published',
    seed: async (world) => {
      await publish(world, [1, 2, 4]);
      return { offender: `${world.productId}: version 3 is missing before 4` };
    },
  },
  {
    fault: 'a last transaction whose event was never published',
    line: 'ledger-published',
    seed: async (world) => {
      await publish(world, [1, 2, 3]);
      return { offender: `${world.productId}: version 4 to 4 were not published` };
    },
  },
  {
    fault: 'events of an item published in another order',
    line: 'ledger-published',
    seed: async (world) => {
      await publish(world, [1, 3, 2, 4]);
      return { offender: `${world.productId}: version 2 is missing before 3` };
    },
  },
  {
    fault: 'first events that are nowhere',
    line: 'ledger-published',
    seed: async (world) => {
      await publish(world, [3, 4]);
      return { offender: `${world.productId}: its first event is version 3` };
    },
  },
  {
    fault: 'a ledger row that was changed and not noted',
    line: 'ledger-published',
    seed: async (world) => {
      await publish(world, [1, 2, 3, 4], { image: { suspended_reason: 'nobody knows' } });
      return { offender: `${world.productId}: its last event has another suspended_reason` };
    },
  },
  {
    fault: 'an order that was changed and not noted',
    line: 'ledger-published',
    seed: async (world) => {
      const { orderId } = world.order(2);
      await publish(world, [1, 2, 3, 4], {
        stateOf: (id) => (id === orderId ? 'expired' : undefined),
      });
      return { offender: `${orderId}: is confirmed; the ledger's events say expired` };
    },
  },
  {
    fault: 'an event of the ledger that nobody can read',
    line: 'ledger-published',
    seed: async (world) => {
      await publish(world, [1, 2, 3, 4]);
      await world.servers.producer.send({
        topic: world.servers.ledgerTopic,
        messages: [{ key: world.productId, value: '{ half a body' }],
      });
      return { offender: 'message ' };
    },
  },
  {
    fault: 'an event of the ledger under the key of another item',
    line: 'ledger-published',
    seed: async (world) => {
      await publish(world, [1, 2, 3, 4], { key: 'another' });
      return { offender: `${world.productId}: version 1 was published under another key` };
    },
  },
];

interface Wrong {
  /** Columns of the ledger's row. */
  readonly image?: Record<string, unknown>;
  readonly stateOf?: (orderId: string) => string | undefined;
  readonly key?: string;
}

/** The item is at version 4, whose event has all orders; the others have none. */
async function publish(world: AuditWorld, versions: readonly number[], wrong: Wrong = {}): Promise<void> {
  const { saleId, productId, servers } = world;
  const { image = {}, stateOf = () => undefined, key = productId } = wrong;
  await servers.sql(
    'UPDATE ledger SET version = 4 WHERE sale_id = $1 AND product_id = $2',
    saleId,
    productId,
  );
  const [row]: { readonly ledger: Record<string, unknown> }[] = await servers.database.query(
    'SELECT row_to_json(ledger) AS ledger FROM ledger WHERE sale_id = $1 AND product_id = $2',
    [saleId, productId],
  );
  const runs = world.orders.map(({ orderId, shopperId, quantity, state }, index) => ({
    kind: index % 2 === 0 ? 'new' : 'changed',
    state: stateOf(orderId) ?? state,
    orders: `${orderId.slice(orderId.lastIndexOf('.') + 1)} ${shopperId} ${quantity}`,
  }));
  const messages = versions.map((version) => ({
    key,
    value: JSON.stringify({
      ...{ type: 'ledger-events.v1', saleId, productId, version, part: 1, parts: 1, causes: [] },
      ledger: { ...row?.ledger, version, ...image },
      runs: version === 4 ? runs : [],
    }),
  }));
  // One by one: what is sent at once under one key stays in its order, and so does what is sent later.
  for (const message of messages)
    await servers.producer.send({ topic: servers.ledgerTopic, messages: [message] });
}
