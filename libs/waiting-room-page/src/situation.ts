import type { QueueAnswer } from '@flux/contracts';

/** What is known of the shopper's place. */
export type Situation =
  /** Asked for a place, no answer yet; `hasTicket`: but of one that is known from before. */
  | { readonly kind: 'connecting'; readonly hasTicket?: boolean }
  /** The device solves what the sale asks of those who join. */
  | { readonly kind: 'checking' }
  /** The shopper is shown a captcha. */
  | { readonly kind: 'captcha' }
  /** The sale asks for what no browser can do without a script. */
  | { readonly kind: 'scriptNeeded' }
  /** Nobody has asked for a place yet: without JavaScript the shopper does. */
  | { readonly kind: 'outside' }
  /** `firstPlace`: the first that this shopper was shown, from which progress is counted. */
  | { readonly kind: 'answered'; readonly answer: QueueAnswer; readonly firstPlace?: number | undefined }
  | { readonly kind: 'lost' }
  | { readonly kind: 'left' }
  /** Not even the lobby is open. */
  | { readonly kind: 'notYet' }
  | { readonly kind: 'over' }
  | { readonly kind: 'unknownSale' }
  /** Nobody knows who the shopper is. */
  | { readonly kind: 'stranger' };

/** What stands between the page and a new answer. */
export interface Trouble {
  readonly kind: 'unreachable' | 'busy';
  readonly retryInMs: number;
}

export function hasPlace(situation: Situation): boolean {
  if (situation.kind === 'connecting') return situation.hasTicket === true;
  return situation.kind === 'answered' && situation.answer.status !== 'open';
}
