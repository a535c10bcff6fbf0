import { ORDER_ACTIONS, ORDER_STATES, UNITS_COUNTER } from '@flux/contracts';
import { changeOrder, sumOfCounters, type ChangeableOrder } from './order-change';

const ITEM = { saleId: 'sale-1', productId: 'product-1' };
const CONTEXT = { ledger: { ...ITEM, epoch: 3, holdMs: 600_000 }, nowMs: 1_000_000 };

function order(changes: Partial<ChangeableOrder> = {}): ChangeableOrder {
  const orderId = `sale-1.product-1.${'a'.repeat(22)}`;
  return {
    orderId,
    shopperId: 'ada',
    quantity: 3,
    state: 'confirmed',
    booked: 0,
    decidedAtMs: 0,
    ...changes,
  };
}

describe('changeOrder', () => {
  it.each([
    ['pay', order(), 'paid', { held: -3, sold: 3, parked: 0 }, 0],
    ['cancel', order(), 'cancelled', { held: -3, sold: 0, parked: 0 }, 3],
    ['expire', order(), 'expired', { held: -3, sold: 0, parked: 0 }, 3],
    ['payLate', order({ state: 'expired' }), 'paid', { held: 0, sold: 3, parked: 0 }, 0],
    ['payLate', order({ state: 'cancelled' }), 'paid', { held: 0, sold: 3, parked: 0 }, 0],
    ['cancel', order({ state: 'parked', booked: 2 }), 'cancelled', { held: 0, sold: 0, parked: -2 }, 2],
    ['discard', order({ state: 'parked', booked: 0 }), 'cancelled', { held: 0, sold: 0, parked: 0 }, 0],
    ['retry', order({ state: 'parked', booked: 2 }), 'confirmed', { held: 3, sold: 0, parked: -2 }, 0],
  ] as const)('%s: counters follow, and the gate gets what becomes free', (...given) => {
    const [action, before, state, counters, gateUnits] = given;
    const change = changeOrder(before, action, CONTEXT);
    expect(change).toMatchObject({ ...ITEM, state, counters, gateUnits, gateEpoch: 3, atMs: 1_000_000 });
    expect(change!.holdUntilMs).toBe(state === 'confirmed' ? 1_600_000 : undefined);
  });

  it('refuses whatever the life-cycle does not list', () => {
    const allowed = ORDER_STATES.flatMap((state) =>
      ORDER_ACTIONS.filter((action) => changeOrder(order({ state }), action, CONTEXT) !== undefined).map(
        (action) => `${state} ${action}`,
      ),
    );
    expect(allowed.sort()).toEqual(
      [
        'parked retry',
        'parked cancel',
        'parked discard',
        'confirmed pay',
        'confirmed cancel',
        'confirmed expire',
        'cancelled payLate',
        'expired payLate',
      ].sort(),
    );
  });

  it('never goes back in time', () => {
    expect(changeOrder(order({ decidedAtMs: 1_000_007 }), 'pay', CONTEXT)!.atMs).toBe(1_000_007);
  });

  it('keeps the sum of the counters at what is held, sold and parked', () => {
    for (const state of ORDER_STATES) {
      for (const action of ORDER_ACTIONS) {
        const booked = state === 'parked' ? 1 : 0;
        const change = changeOrder(order({ state, booked }), action, CONTEXT);
        if (change === undefined) continue;
        const { held, sold, parked } = sumOfCounters([change]);
        const before = UNITS_COUNTER[state] === undefined ? 0 : state === 'parked' ? 1 : 3;
        const after = UNITS_COUNTER[change.state] === undefined ? 0 : 3;
        expect(held + sold + parked).toBe(after - before);
        if (after === 0) expect(change.gateUnits).toBe(before);
      }
    }
  });
});
