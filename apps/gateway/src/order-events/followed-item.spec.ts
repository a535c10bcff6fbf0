import type { OrderStatus } from '@flux/contracts';
import { GateUnavailableError, type OrdersChange, type ReadOrderOutcome } from '@flux/gate';
import { createLog } from '@flux/telemetry';
import { FollowedItem, type OrderFollower } from './followed-item';

const item = { saleId: 's', productId: 'p' };

/** The gate and the push channel as a followed item sees them, each step at the test's word. */
function world() {
  const orders = new Map<string, { status: OrderStatus; sequence: number }>();
  const state = {
    reads: [] as (readonly string[])[],
    /** Ends the read that is under way, with what the gate had when it began. */
    answer: undefined as (() => void) | undefined,
    fail: undefined as ((error: unknown) => void) | undefined,
    push: undefined as ((change: OrdersChange) => void) | undefined,
    subscribe: undefined as (() => void) | undefined,
    unsubscribed: 0,
  };
  const followed = new FollowedItem({
    item,
    gate: {
      readOrders: (_item, orderIds) => {
        state.reads.push(orderIds);
        const found = new Map(orderIds.map((orderId) => [orderId, readingOf(orderId, orders.get(orderId))]));
        return new Promise((resolve, reject) => {
          state.answer = () => {
            resolve(found);
          };
          state.fail = reject;
        });
      },
    },
    push: {
      subscribe: (_item, { onOrders }) => {
        state.push = (change) => onOrders?.(change);
        return new Promise((resolve) => {
          state.subscribe = () => {
            resolve(() => (state.unsubscribed += 1));
          };
        });
      },
    },
    log: createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'probe'),
  });
  const turn = () => new Promise(setImmediate);
  return {
    orders,
    state,
    followed,
    turn,
    answer: async () => {
      await turn();
      state.answer?.();
      await turn();
    },
    subscribed: async () => {
      state.subscribe?.();
      await turn();
    },
  };
}

function readingOf(
  orderId: string,
  order: { readonly status: OrderStatus; readonly sequence: number } | undefined,
): ReadOrderOutcome {
  if (order === undefined) return { outcome: 'unknownOrder' };
  const times = { acceptedAtMs: 1, updatedAtMs: 1, holdUntilMs: undefined };
  return {
    outcome: 'order',
    order: { orderId, ...item, quantity: 1, cancelRequested: false, ...times, ...order },
    shopperHash: '',
    belongsTo: () => true,
  };
}

/** Remembers the statuses it hears of. */
function follower() {
  const heard: string[] = [];
  const listener: OrderFollower = {
    onReading: (reading) => heard.push(reading.outcome === 'order' ? reading.order.status : reading.outcome),
    onUnreadable: () => heard.push('unreadable'),
  };
  return { heard, ...listener };
}

describe('FollowedItem', () => {
  it('reads only once the subscription is in place', async () => {
    const { orders, followed, state, subscribed, answer, turn } = world();
    const ada = follower();
    orders.set('a', { status: 'accepted', sequence: 1 });
    followed.add('a', ada);
    await turn();
    expect(state.reads).toEqual([]);
    await subscribed();
    await answer();
    expect(ada.heard).toEqual(['accepted']);
  });

  it('reads again what a push names, and accepted orders that the watermark passes, and no others', async () => {
    const { orders, followed, state, subscribed, answer, turn } = world();
    const all = ['a', 'b', 'c'].map((orderId, index) => {
      orders.set(orderId, { status: 'accepted', sequence: index + 1 });
      const listener = follower();
      followed.add(orderId, listener);
      return listener;
    });
    await subscribed();
    await answer();
    await answer();
    orders.set('a', { status: 'confirmed', sequence: 1 });
    state.push?.({ watermark: 1, orderIds: ['not followed'] });
    await answer();
    orders.set('c', { status: 'rejected', sequence: 3 });
    state.push?.({ watermark: 1, orderIds: ['c'] });
    await answer();
    state.push?.({ watermark: 1, orderIds: [] });
    await turn();
    expect(state.reads.slice(-2)).toEqual([['a'], ['c']]);
    expect(all.map(({ heard }) => heard)).toEqual([
      ['accepted', 'confirmed'],
      ['accepted'],
      ['accepted', 'rejected'],
    ]);
  });

  it('reads once more what a push may have changed while it was being read for the first time', async () => {
    const { orders, followed, state, subscribed, answer } = world();
    const ada = follower();
    orders.set('a', { status: 'accepted', sequence: 7 });
    followed.add('a', ada);
    await subscribed();
    // The gate has answered with the state before the settle; the push overtakes the answer.
    orders.set('a', { status: 'confirmed', sequence: 7 });
    state.push?.({ watermark: 7, orderIds: [] });
    await answer();
    await answer();
    expect(ada.heard).toEqual(['accepted', 'confirmed']);
  });

  it('reads once more what a push names while it is being read', async () => {
    const { orders, followed, state, subscribed, answer } = world();
    const ada = follower();
    orders.set('a', { status: 'confirmed', sequence: 1 });
    followed.add('a', ada);
    await subscribed();
    orders.set('a', { status: 'paid', sequence: 1 });
    state.push?.({ watermark: 1, orderIds: ['a'] });
    await answer();
    await answer();
    expect(ada.heard).toEqual(['confirmed', 'paid']);
  });

  it('reads a parked order, which stays accepted above no watermark, once per naming and not at each push', async () => {
    const { orders, followed, state, subscribed, answer, turn } = world();
    orders.set('a', { status: 'accepted', sequence: 0 });
    followed.add('a', follower());
    await subscribed();
    await answer();
    state.push?.({ watermark: 1, orderIds: [] });
    await answer();
    for (let watermark = 2; watermark < 50; watermark += 1) state.push?.({ watermark, orderIds: [] });
    await turn();
    expect(state.reads).toHaveLength(2);
    state.push?.({ watermark: 50, orderIds: ['a'] });
    await turn();
    expect(state.reads).toHaveLength(3);
  });

  it('reads at most 100 at once, one read after the other, and each order once', async () => {
    const { orders, followed, state, subscribed, answer } = world();
    for (let index = 0; index < 250; index += 1) {
      orders.set(`o${index}`, { status: 'accepted', sequence: index });
      followed.add(`o${index}`, follower());
      followed.readAgain([`o${index}`]);
    }
    await subscribed();
    for (let read = 1; read <= 3; read += 1) {
      expect(state.reads).toHaveLength(read);
      await answer();
    }
    expect(state.reads.map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  it('reads everything again when told to', async () => {
    const { orders, followed, state, subscribed, answer } = world();
    orders.set('a', { status: 'confirmed', sequence: 1 });
    const ada = follower();
    followed.add('a', ada);
    await subscribed();
    await answer();
    followed.readAgain();
    await answer();
    expect(state.reads).toHaveLength(2);
    expect(ada.heard).toEqual(['confirmed', 'confirmed']);
  });

  it('says what could not be read, and tries again for those who stay', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    try {
      const { orders, followed, state, subscribed, answer, turn } = world();
      orders.set('a', { status: 'accepted', sequence: 1 });
      const ada = follower();
      followed.add('a', ada);
      await subscribed();
      state.fail?.(new GateUnavailableError('none', 'down'));
      await turn();
      expect(ada.heard).toEqual(['unreadable']);
      jest.advanceTimersByTime(1_000);
      await turn();
      await answer();
      expect(ada.heard).toEqual(['unreadable', 'accepted']);
    } finally {
      jest.useRealTimers();
    }
  });

  it('remembers nothing of an order that nobody follows any more, and ends its subscription', async () => {
    const { orders, followed, state, subscribed, answer, turn } = world();
    orders.set('a', { status: 'accepted', sequence: 1 });
    const [ada, bob] = [follower(), follower()];
    followed.add('a', ada);
    followed.add('a', bob);
    expect(followed.followersOf('a')).toBe(2);
    await subscribed();
    await answer();
    followed.remove('a', ada);
    expect(followed.isEmpty).toBe(false);
    followed.remove('a', bob);
    expect(followed.isEmpty).toBe(true);
    state.push?.({ watermark: 1, orderIds: ['a'] });
    await turn();
    expect(state.reads).toHaveLength(1);
    followed.end();
    await turn();
    expect(state.unsubscribed).toBe(1);
  });
});
