import { ORDER_STATUSES, type ItemRef } from '@flux/contracts';
import { endOf, GateWorld, PlainGate, purchase, said, type PlainOrder } from '@flux/testing';
import fc from 'fast-check';
import { itemKeys, type StateWrite } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

const wish = fc.record({
  shopperId: fc.constantFrom('ann', 'bob', 'cyd', 'dan', 'eve'),
  key: fc.constantFrom('a', 'b', 'c').map((letter) => letter.repeat(16)),
  quantity: fc.integer({ min: 1, max: 4 }),
});
/** One of the orders accepted so far, counted round. */
const pick = fc.nat(30);
const payment = fc.integer({ min: 1, max: 2 });
const state = fc.record({ pick, status: fc.constantFrom(...ORDER_STATUSES) });
const end = fc.record({ pick, status: fc.constantFrom('cancelled' as const, 'expired' as const) });

const step = fc.oneof(
  fc.record({
    verb: fc.constant('buy' as const),
    wishes: fc.array(wish, { minLength: 1, maxLength: 20 }),
  }),
  fc.record({ verb: fc.constant('cancel' as const), pick }),
  fc.record({
    verb: fc.constant('settle' as const),
    upTo: fc.nat(60),
    states: fc.array(state, { maxLength: 4 }),
  }),
  fc.record({ verb: fc.constant('release' as const), ends: fc.array(end, { maxLength: 4 }) }),
  fc.record({ verb: fc.constant('retake' as const), pick, payment }),
  fc.record({ verb: fc.constant('giveBack' as const), pick, payment }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const sale = fc.record({
  available: fc.integer({ min: 0, max: 30 }),
  perShopperLimit: fc.integer({ min: 1, max: 8 }),
  wishes: fc.array(wish, { minLength: 1, maxLength: 20 }),
  steps: fc.array(step, { maxLength: 25 }),
});

/** Does one step in the gate and in the model, and compares what they say. */
async function take(item: ItemRef, model: PlainGate, step: Step): Promise<void> {
  const pickOne = (index: number): PlainOrder | undefined => model.orders[index % model.orders.length];
  switch (step.verb) {
    case 'buy': {
      const requests = step.wishes.map((options) => purchase(item, options));
      const outcomes = await Promise.all(requests.map((request) => world.gate.reserve(request)));
      expect(outcomes.map(said)).toEqual(requests.map((request) => model.reserve(request)));
      return;
    }
    case 'cancel': {
      const order = pickOne(step.pick);
      if (order === undefined) return;
      expect(await world.gate.cancel(order)).toMatchObject({ outcome: model.cancel(order) });
      return;
    }
    case 'settle': {
      const watermark = model.sequence === 0 ? 0 : step.upTo % (model.sequence + 1);
      const last = model.orders.find(
        ({ sequence, cancelSequence }) => sequence === watermark || cancelSequence === watermark,
      );
      const states = step.states.flatMap(({ pick, status }): StateWrite[] => {
        const order = pickOne(pick);
        return order === undefined ? [] : [{ ...order, status, changedAtMs: 1 }];
      });
      model.settle(watermark, states);
      const settled = { watermark, watermarkOrderId: last?.orderId ?? '', states };
      expect(await world.settle(item, settled)).toMatchObject({ outcome: 'settled' });
      return;
    }
    case 'release': {
      const ends = step.ends.flatMap(({ pick, status }) => {
        const order = pickOne(pick);
        return order === undefined ? [] : [{ order, status }];
      });
      const releases = ends.map(({ order, status }) => endOf(order, { status }));
      const released = model.release(ends);
      expect(await world.release(item, ...releases)).toEqual({ outcome: 'released', released });
      return;
    }
    case 'retake': {
      const order = pickOne(step.pick);
      if (order === undefined) return;
      const late = { ...order, epoch: 1, changeId: `pay:${order.orderId}:${step.payment}` };
      expect(await world.gate.retake(late)).toEqual({ outcome: model.retake(order, step.payment) });
      return;
    }
    case 'giveBack': {
      const order = pickOne(step.pick);
      if (order?.late.has(step.payment) !== true) return;
      const back = endOf(order, { changeId: `back:${order.orderId}:${step.payment}`, status: undefined });
      const released = model.giveBack(order, step.payment);
      expect(await world.release(item, back)).toEqual({ outcome: 'released', released });
      return;
    }
  }
}

async function expectSame(item: ItemRef, model: PlainGate): Promise<void> {
  const counts = Object.fromEntries([...model.counts].map(([name, units]) => [name, String(units)]));
  expect(await world.server.client.hgetall(itemKeys(item).shoppers)).toEqual(counts);
  const { available, sequence, watermark } = model;
  expect(await world.itemNow(item)).toMatchObject({ available, sequence, watermark });
  const orderIds = model.orders.map(({ orderId }) => orderId);
  const found = await world.gate.readOrders(item, orderIds);
  expect([...found.values()]).toMatchObject(
    model.orders.map((order) => ({
      outcome: 'order',
      order: {
        sequence: order.sequence,
        status: model.statusOf(order),
        cancelRequested: order.cancelSequence !== undefined,
      },
    })),
  );
}

/** What the relay would read: every order and intent above the watermark, each in its place. */
async function expectSent(item: ItemRef, model: PlainGate): Promise<void> {
  const sent = new Map<number, string>();
  for (const entry of await world.outboxes.read(item, { after: '0-0', count: 1_000 })) {
    if (entry.outcome === 'unreadable') throw new Error(entry.reason);
    const { event } = entry;
    if (event.type === 'cancel-requested.v1') sent.set(event.firstSequence, `cancel ${event.orderId}`);
    else event.orders.forEach(({ orderId }, index) => sent.set(event.firstSequence + index, orderId));
  }
  const expected = model.orders.flatMap(({ orderId, sequence, cancelSequence }) => [
    [sequence, orderId] as const,
    ...(cancelSequence === undefined ? [] : [[cancelSequence, `cancel ${orderId}`] as const]),
  ]);
  for (const [sequence, what] of expected) {
    // At or below the watermark an entry may be kept whose last order is above it.
    if (sequence > model.watermark || sent.has(sequence)) expect(sent.get(sequence)).toBe(what);
  }
  expect([...sent.keys()].every((sequence) => sequence <= model.sequence)).toBe(true);
}

it('decides as the plain model does, in any order of verbs', async () => {
  await fc.assert(
    fc.asyncProperty(sale, async ({ available, perShopperLimit, wishes, steps }) => {
      const item = await world.opened({ available, perShopperLimit });
      const model = new PlainGate(available, perShopperLimit);
      await take(item, model, { verb: 'buy', wishes });
      for (const step of steps) {
        await take(item, model, step);
        await expectSame(item, model);
      }
      await expectSent(item, model);
    }),
    { numRuns: 150 },
  );
});
