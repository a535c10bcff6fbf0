import type { SeededFault } from './seeded-fault';

/** What only the clients' record can show. The servers stay sound. */
export const CLIENT_FAULTS: readonly SeededFault[] = [
  {
    fault: 'a 202 for an order that is nowhere',
    line: 'clients-nothing-lost',
    seed: (world) => {
      const order = { ...world.order(1), key: 'key-of-a-lost-order' };
      const orderId = world.idOf(order);
      const history = world.historyLines([...world.history, world.answer({ ...order, orderId })]);
      return Promise.resolve({ offender: orderId, history });
    },
  },
  {
    fault: 'a 202 that names an order of another key',
    line: 'clients-order-ids',
    seed: (world) => {
      const forged = { ...world.answer(world.order(1)), idempotencyKey: 'another-key-of-ann' };
      const history = world.historyLines([...world.history, forged]);
      return Promise.resolve({ offender: world.order(1).orderId, history });
    },
  },
  {
    fault: 'a 202 whose Location leads elsewhere',
    line: 'clients-order-ids',
    seed: (world) => {
      const order = world.order(1);
      const others = world.history.filter(({ idempotencyKey }) => idempotencyKey !== order.key);
      const forged = world.answer(order, { location: `/v1/orders/${world.order(2).orderId}` });
      return Promise.resolve({ offender: order.orderId, history: world.historyLines([...others, forged]) });
    },
  },
  {
    fault: 'two orders for one key',
    line: 'clients-one-order-per-key',
    consequences: ['clients-order-ids', 'clients-equal-answers'],
    seed: (world) => {
      const forged = {
        ...world.answer(world.order(7), { replayed: true }),
        idempotencyKey: world.order(1).key,
      };
      const history = world.historyLines([...world.history, forged]);
      return Promise.resolve({ offender: world.order(1).orderId, history });
    },
  },
  {
    fault: 'a replay that differs by one byte',
    line: 'clients-equal-answers',
    seed: (world) => {
      const replay = world.answer(world.order(1), { replayed: true });
      const history = world.historyLines([...world.history, { ...replay, body: `${replay.body ?? ''} ` }]);
      return Promise.resolve({ offender: world.order(1).orderId, history });
    },
  },
  {
    fault: 'a replay without its mark',
    line: 'clients-equal-answers',
    seed: (world) => {
      const history = world.historyLines([...world.history, world.answer(world.order(1))]);
      return Promise.resolve({ offender: world.order(1).orderId, history });
    },
  },
  {
    fault: 'a 409 to a key that had its 202',
    line: 'clients-equal-answers',
    seed: (world) => {
      const order = world.order(1);
      const sentAt = new Date(order.acceptedAtMs + 1).toISOString();
      const history = world.historyLines([...world.history, { ...world.refusal(order), sentAt }]);
      return Promise.resolve({ offender: order.orderId, history });
    },
  },
  {
    fault: 'a 202 with another time than its row',
    line: 'clients-rows',
    seed: (world) => {
      const order = world.order(1);
      const others = world.history.filter(({ idempotencyKey }) => idempotencyKey !== order.key);
      const forged = world.answer({ ...order, acceptedAtMs: order.acceptedAtMs + 1 });
      return Promise.resolve({ offender: order.orderId, history: world.historyLines([...others, forged]) });
    },
  },
  {
    fault: 'a 202 to a key that asked for more',
    line: 'clients-rows',
    seed: (world) => {
      const forged = world.answer(world.order(1), { replayed: true, quantity: 2 });
      const history = world.historyLines([...world.history, forged]);
      return Promise.resolve({ offender: `${world.order(1).orderId}: quantity asked for`, history });
    },
  },
  {
    fault: 'an order that no client asked for',
    line: 'clients-asked',
    seed: (world) => {
      const { key, orderId } = world.order(6);
      const others = world.history.filter(({ idempotencyKey }) => idempotencyKey !== key);
      return Promise.resolve({ offender: orderId, history: world.historyLines(others) });
    },
  },
  {
    fault: 'an order whose client was only refused',
    line: 'clients-asked',
    seed: (world) => {
      const { key, orderId } = world.order(6);
      const others = world.history.filter(({ idempotencyKey }) => idempotencyKey !== key);
      const history = world.historyLines([...others, world.refusal(world.order(6))]);
      return Promise.resolve({ offender: orderId, history });
    },
  },
];
