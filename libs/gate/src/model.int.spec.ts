import { GateWorld, purchase } from '@flux/testing';
import fc from 'fast-check';
import { itemKeys, type ReserveOutcome, type ReserveRequest } from './index';

let world: GateWorld;

beforeAll(async () => {
  world = await GateWorld.start();
});
afterAll(async () => {
  await world.end();
});

/** What the gate promises, said as plainly as possible. */
class PlainGate {
  readonly counts = new Map<string, number>();
  readonly orders = new Map<string, { readonly fingerprint: string; readonly sequence: number }>();

  constructor(
    public available: number,
    private readonly limit: number,
  ) {}

  reserve({ orderId, shopperId, quantity, fingerprint }: ReserveRequest): string {
    const known = this.orders.get(orderId);
    if (known !== undefined)
      return known.fingerprint === fingerprint ? `replayed ${known.sequence}` : 'reused';
    const count = (this.counts.get(shopperId) ?? 0) + quantity;
    if (count > this.limit) return `shopperLimit ${this.limit}`;
    if (quantity > this.available) return `soldOut ${this.available}`;
    this.available -= quantity;
    this.counts.set(shopperId, count);
    this.orders.set(orderId, { fingerprint, sequence: this.orders.size + 1 });
    return `accepted ${this.orders.size}`;
  }
}

function said(outcome: ReserveOutcome): string {
  switch (outcome.outcome) {
    case 'accepted':
    case 'replayed':
      return `${outcome.outcome} ${outcome.order.sequence}`;
    case 'shopperLimit':
      return `shopperLimit ${outcome.limit}`;
    case 'soldOut':
      return `soldOut ${outcome.available}`;
    case 'reused':
    case 'notOpen':
    case 'closed':
    case 'moved':
    case 'notReady':
    case 'unavailable':
    case 'unknown':
      return outcome.outcome;
  }
}

const shopper = fc.constantFrom('ann', 'bob', 'cyd', 'dan', 'eve');
const key = fc.constantFrom('a', 'b', 'c').map((letter) => letter.repeat(16));
const wish = fc.record({ shopperId: shopper, key, quantity: fc.integer({ min: 1, max: 4 }) });

const sale = fc.record({
  available: fc.integer({ min: 0, max: 20 }),
  perShopperLimit: fc.integer({ min: 1, max: 8 }),
  batches: fc.array(fc.array(wish, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 6 }),
});

it('decides as the plain model does, in any mix of batches', async () => {
  await fc.assert(
    fc.asyncProperty(sale, async ({ available, perShopperLimit, batches }) => {
      const item = await world.opened({ available, perShopperLimit });
      const model = new PlainGate(available, perShopperLimit);
      for (const batch of batches) {
        const requests = batch.map((options) => purchase(item, options));
        const outcomes = await Promise.all(requests.map((request) => world.gate.reserve(request)));
        expect(outcomes.map(said)).toEqual(requests.map((request) => model.reserve(request)));
      }

      const counts = Object.fromEntries([...model.counts].map(([name, units]) => [name, String(units)]));
      expect(await world.server.client.hgetall(itemKeys(item).shoppers)).toEqual(counts);
      expect(await world.itemNow(item)).toMatchObject({
        available: model.available,
        sequence: model.orders.size,
      });
      const entries = await world.outboxes.read(item, { after: '0-0', count: 1_000 });
      const sent = entries.flatMap((entry) =>
        entry.outcome === 'event'
          ? entry.event.orders.map(({ orderId }, index) => [orderId, entry.event.firstSequence + index])
          : [['unreadable', 0]],
      );
      expect(sent).toEqual([...model.orders].map(([orderId, { sequence }]) => [orderId, sequence]));
    }),
    { numRuns: 150 },
  );
});
