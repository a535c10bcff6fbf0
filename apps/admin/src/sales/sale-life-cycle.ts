import type { SaleState } from '@flux/contracts';

/** What an operator may ask of a sale. */
export const SALE_ACTIONS = ['open', 'pause', 'resume', 'close'] as const;
export type SaleAction = (typeof SALE_ACTIONS)[number];

interface Transition {
  readonly from: readonly SaleState[];
  readonly to: SaleState;
}

/** The one table of the life-cycle. `retired` is reached by maintenance alone, from `closed`. */
export const SALE_TRANSITIONS: Readonly<Record<SaleAction, Transition>> = {
  open: { from: ['scheduled'], to: 'open' },
  pause: { from: ['open'], to: 'paused' },
  resume: { from: ['paused'], to: 'open' },
  close: { from: ['scheduled', 'open', 'paused'], to: 'closed' },
};

export type TransitionJudgement =
  | { readonly outcome: 'moves'; readonly to: SaleState }
  /** The sale is where the action leads. */
  | { readonly outcome: 'reached' }
  | { readonly outcome: 'wrong' };

export function judgeTransition(action: SaleAction, state: SaleState): TransitionJudgement {
  const { from, to } = SALE_TRANSITIONS[action];
  if (from.includes(state)) return { outcome: 'moves', to };
  return state === to ? { outcome: 'reached' } : { outcome: 'wrong' };
}
