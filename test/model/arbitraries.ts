import fc from 'fast-check';
import { CancelByShop, CancelByShopper } from './commands/cancel';
import { Deliver, Lose, Redeliver, Sweep } from './commands/deliver';
import { Expire, RunOut, Tell } from './commands/expire';
import type { LifeCommand } from './commands/life-command';
import { CompletePayments, Pay } from './commands/pay';
import { Purchase } from './commands/purchase';
import { Restart } from './commands/restart';

const nat = (max: number) => fc.nat({ max });
const pick = nat(30);
const telling = fc.constantFrom('noted' as const, 'told' as const);
/** Redis is killed and started again for it: dear, so seldom. */
const withGate = fc.nat({ max: 14 }).map((number) => number > 0);

const wish = fc.record({
  shopperId: fc.constantFrom('ann', 'bob', 'cyd'),
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f').map((letter) => letter.repeat(16)),
  quantity: fc.integer({ min: 1, max: 3 }),
});
const purchases = fc
  .array(wish, { minLength: 1, maxLength: 4, size: 'max' })
  .map((wishes) => new Purchase(wishes));
const reach = fc.oneof(
  { weight: 16, arbitrary: fc.constant('settled' as const) },
  { weight: 3, arbitrary: fc.constant('committed' as const) },
  { weight: 1, arbitrary: fc.constant('withoutGate' as const) },
);
const ending = fc.oneof(
  { weight: 6, arbitrary: fc.constant('told' as const) },
  { weight: 3, arbitrary: fc.constant('committed' as const) },
  { weight: 1, arbitrary: fc.constant('withoutGate' as const) },
);
const paid = fc.record({
  id: fc.constantFrom('first', 'first', 'first', 'second', 'another'),
  amount: fc.constantFrom('right', 'right', 'right', 'right', 'low', 'foreign'),
  withGate,
  isLate: fc.boolean(),
});

/** By how often they come. */
export const command: fc.Arbitrary<LifeCommand> = fc.oneof(
  { weight: 30, arbitrary: purchases },
  {
    weight: 20,
    arbitrary: fc.tuple(fc.integer({ min: 1, max: 6 }), reach).map(([count, how]) => new Deliver(count, how)),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(nat(30), fc.integer({ min: 1, max: 6 }))
      .map(([from, count]) => new Redeliver(from, count)),
  },
  {
    weight: 10,
    arbitrary: fc.tuple(pick, withGate).map(([order, isOwn]) => new CancelByShopper(order, isOwn)),
  },
  { weight: 6, arbitrary: fc.tuple(pick, withGate).map(([order, isUp]) => new CancelByShop(order, isUp)) },
  { weight: 20, arbitrary: fc.tuple(pick, paid).map(([order, options]) => new Pay(order, options)) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 4 }), nat(3))
      .map(([every, first]) => new RunOut(every, first)),
  },
  { weight: 8, arbitrary: ending.map((how) => new Expire(how)) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 4 }), telling)
      .map(([atOnce, how]) => new Tell(atOnce, how)),
  },
  { weight: 4, arbitrary: fc.constant(new CompletePayments()) },
  { weight: 4, arbitrary: fc.constant(new Lose()) },
  { weight: 5, arbitrary: fc.constant(new Sweep()) },
  { weight: 2, arbitrary: fc.constant(new Restart()) },
);

/** Sometimes the gate believes in units that the ledger does not have. */
export const terms = fc
  .record({ stock: nat(10), surplus: fc.constantFrom(0, 0, 2), limit: fc.integer({ min: 1, max: 5 }) })
  .map(({ stock, surplus, limit }) => ({ stock, gateStock: stock + surplus, limit }));
