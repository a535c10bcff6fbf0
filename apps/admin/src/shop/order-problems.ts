import { ProblemError } from '@flux/contracts';

/** What keeps an order from being read or changed, in the words that every route has for it. */

export function unknownOrder(): ProblemError {
  return new ProblemError('unknown-order', 'There is no order with this id.');
}

/** Accepted, and the ledger has not judged it, or has parked it. */
export function notConfirmed(): ProblemError {
  return new ProblemError('not-confirmed', 'The order is accepted, and the ledger has not confirmed it yet.');
}

export function gateNotReady(): ProblemError {
  return new ProblemError('not-ready', 'The gate of this item waits for its rebuild and cannot say.');
}
