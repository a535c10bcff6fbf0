import {
  nextState,
  ORDER_ACTIONS,
  ORDER_LIFE_CYCLE,
  ORDER_STATES,
  statusOfState,
  UNITS_COUNTER,
  type OrderState,
} from './order-life-cycle';
import { isFinal } from './order-status';

const reachableFrom = (state: OrderState): Set<OrderState> => {
  const next = Object.values(ORDER_LIFE_CYCLE[state]) as OrderState[];
  return new Set(next.flatMap((target) => [target, ...reachableFrom(target)]));
};

describe("an order's life", () => {
  it.each(ORDER_STATES)('never comes back to %s', (state) => {
    expect([...reachableFrom(state)]).not.toContain(state);
  });

  it('ends in paid or rejected for good: no action leads out of them', () => {
    for (const action of ORDER_ACTIONS) {
      expect(nextState('paid', action)).toBeUndefined();
      expect(nextState('rejected', action)).toBeUndefined();
    }
  });

  it('is paid from confirmed at once, and from an ended order only by taking its units anew', () => {
    expect(nextState('confirmed', 'pay')).toBe('paid');
    expect(nextState('parked', 'pay')).toBeUndefined();
    for (const ended of ['cancelled', 'expired'] as const) {
      expect(nextState(ended, 'pay')).toBeUndefined();
      expect(nextState(ended, 'payLate')).toBe('paid');
    }
  });

  it('has its units in one counter until it ends', () => {
    for (const state of ORDER_STATES) {
      const over = ['rejected', 'cancelled', 'expired'].includes(state);
      expect(UNITS_COUNTER[state] === undefined).toBe(over);
    }
  });

  it('reads as final exactly where nothing but a late payment can follow', () => {
    for (const state of ORDER_STATES) {
      const open = Object.keys(ORDER_LIFE_CYCLE[state]).some((action) => action !== 'payLate');
      expect(isFinal(statusOfState(state))).toBe(!open);
    }
  });
});
