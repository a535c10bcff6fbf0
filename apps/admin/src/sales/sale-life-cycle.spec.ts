import { SALE_STATES, type SaleState } from '@flux/contracts';
import { SALE_ACTIONS, type SaleAction, judgeTransition } from './sale-life-cycle';

const EXPECTED: Readonly<Record<SaleAction, Readonly<Record<SaleState, string>>>> = {
  open: { scheduled: 'open', open: 'reached', paused: 'wrong', closed: 'wrong', retired: 'wrong' },
  pause: { scheduled: 'wrong', open: 'paused', paused: 'reached', closed: 'wrong', retired: 'wrong' },
  resume: { scheduled: 'wrong', open: 'reached', paused: 'open', closed: 'wrong', retired: 'wrong' },
  close: { scheduled: 'closed', open: 'closed', paused: 'closed', closed: 'reached', retired: 'wrong' },
};

describe('the life-cycle of a sale', () => {
  const cases = SALE_ACTIONS.flatMap((action) => SALE_STATES.map((state) => [action, state] as const));

  it.each(cases)('%s of a sale that is %s', (action, state) => {
    const judgement = judgeTransition(action, state);
    expect(judgement.outcome === 'moves' ? judgement.to : judgement.outcome).toBe(EXPECTED[action][state]);
  });
});
