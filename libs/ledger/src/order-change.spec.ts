import {
  ORDER_ACTIONS,
  ORDER_STATES,
  orderStatusEventSchema,
  UNITS_COUNTER,
  type OrderStatusEvent,
} from '@flux/contracts';
import { changeOrder, sumOfCounters, type ChangeableOrder } from './order-change';
import { eventsInsert, eventsOfRuns, type StatusChange, type StoredRun } from './order-events';

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

describe('events', () => {
  const change: StatusChange = {
    ...ITEM,
    orderId: order().orderId,
    shopperId: 'ada',
    quantity: 3,
    state: 'confirmed',
    reason: undefined,
    atMs: 0,
    holdUntilMs: 600_000,
    paymentId: undefined,
  };

  /** What is published of the item's changes, as JSON makes it. */
  function published(productId: string, changes: readonly StatusChange[]): OrderStatusEvent[] {
    const { parameters } = eventsInsert(changes, 1);
    const place = parameters.findIndex((text, index) => index % 3 === 1 && text === productId);
    const runs = JSON.parse(parameters[place + 1]!) as StoredRun[];
    const events = eventsOfRuns({ saleId: ITEM.saleId, productId }, runs);
    return JSON.parse(JSON.stringify(events)) as OrderStatusEvent[];
  }

  it('is what the schema promises, with an id that a repeat has again', () => {
    const [event] = published(ITEM.productId, [change]);
    expect(orderStatusEventSchema.parse(event)).toEqual({
      type: 'order-status.v1',
      id: `${change.orderId}.confirmed`,
      ...ITEM,
      orderId: change.orderId,
      shopperId: 'ada',
      quantity: 3,
      status: 'confirmed',
      occurredAt: '1970-01-01T00:00:00.000Z',
      holdUntil: '1970-01-01T00:10:00.000Z',
    });
    const [paid] = published(ITEM.productId, [
      { ...change, state: 'paid', holdUntilMs: undefined, paymentId: 'pi_1' },
    ]);
    expect(paid).toMatchObject({ id: `${change.orderId}.paid`, paymentId: 'pi_1' });
    expect(paid).not.toHaveProperty('holdUntil');
    expect(orderStatusEventSchema.parse(paid)).toEqual(paid);
  });

  it('is queued in one row per item, in the order of the changes, and comes out as it was', () => {
    const changes = ['x', 'y', 'x', 'x', 'x', 'x', 'x', 'x'].map((productId, index) => ({
      ...change,
      productId,
      orderId: `sale-1.${productId}.${String(index).repeat(22)}`,
      shopperId: `shopper-${index}`,
      quantity: index + 1,
      reason: index === 0 ? 'the "buyer"\nsaid no\\' : undefined,
      state: index === 4 ? ('rejected' as const) : change.state,
      atMs: index === 5 ? 1 : 0,
      holdUntilMs: index === 6 ? undefined : 600_000,
      paymentId: index === 7 ? 'pi_2' : undefined,
    }));
    const { statement, parameters } = eventsInsert(changes, 4);
    expect(statement).toMatch(/VALUES \(\$4, \$5, \$6\), \(\$7, \$8, \$9\)$/);
    expect([0, 1, 3, 4].map((index) => parameters[index])).toEqual(['sale-1', 'x', 'sale-1', 'y']);
    const ofX = changes.filter(({ productId }) => productId === 'x');
    expect(published('x', changes)).toEqual(ofX.flatMap((each) => published('x', [each])));
    expect(published('x', changes)).toMatchObject(
      ofX.map(({ orderId, shopperId, quantity, state, atMs, holdUntilMs, reason, paymentId }) => ({
        ...{ orderId, shopperId, quantity },
        status: state,
        occurredAt: new Date(atMs).toISOString(),
        ...(holdUntilMs === undefined ? {} : { holdUntil: new Date(holdUntilMs).toISOString() }),
        ...(reason === undefined ? {} : { reason }),
        ...(paymentId === undefined ? {} : { paymentId }),
      })),
    );
    expect(published('y', changes)).toHaveLength(1);
  });

  it('shares what its neighbours have in common', () => {
    const many = Array.from({ length: 100 }, (_, index) => ({
      ...change,
      orderId: `sale-1.${ITEM.productId}.${String(index).padStart(22, '0')}`,
    }));
    const [, , stored = ''] = eventsInsert(many, 1).parameters;
    expect(JSON.parse(stored)).toHaveLength(1);
  });
});
