import type { Refusal } from '@flux/contracts';
import type { PlacedOrder, ReserveOutcome } from '@flux/gate';
import { jitteredSeconds } from '@flux/http';

/** How one purchase ended, routing included. */
export type PurchaseOutcome =
  | Exclude<ReserveOutcome, { outcome: 'moved' | 'waitingRoom' }>
  | { readonly outcome: 'unknownProduct' }
  | { readonly outcome: 'waitingRoom'; readonly refusal: Refusal }
  /** The sale that the product has just moved to asks for a challenge. */
  | { readonly outcome: 'challenged'; readonly refusal: Refusal };

export type PurchaseAnswer =
  | {
      readonly kind: 'accepted';
      /** Rendered from the record alone: a replay gets the same bytes. */
      readonly body: string;
      readonly location: string;
      readonly replayed: boolean;
    }
  | { readonly kind: 'refused'; readonly problem: Refusal };

/** What the shopper is told of each outcome. The one place that maps the gate's words to HTTP. */
export function purchaseAnswer(outcome: PurchaseOutcome): PurchaseAnswer {
  switch (outcome.outcome) {
    case 'accepted':
      return accepted(outcome.order, false);
    case 'replayed':
      return accepted(outcome.order, true);
    case 'reused':
      return refused('idempotency-key-reused', 'The key was used for another quantity of this product.');
    case 'soldOut':
      return { kind: 'refused', problem: soldOut() };
    case 'shopperLimit':
      return refused('shopper-limit', `A shopper may have ${outcome.limit} of this product.`);
    case 'notOpen':
      return outcome.reason === 'paused'
        ? refused('sale-not-open', 'The sale is paused.', jitteredSeconds())
        : refused('sale-not-open', 'The sale has not begun.', secondsUntil(outcome.opensInMs));
    case 'waitingRoom':
    case 'challenged':
      return { kind: 'refused', problem: outcome.refusal };
    case 'passUsed':
      return refused('pass-used', 'The pass was used for an order of this product.');
    case 'closed':
      return refused('sale-closed', 'The sale is over.');
    case 'unknownProduct':
      return refused('unknown-product', 'No such product is or was in that sale.');
    case 'notReady':
      return refused('not-ready', 'The product cannot be sold at the moment.');
    case 'unavailable':
      return refused('temporarily-unavailable', 'Nothing was bought. Try again with the same key.');
    case 'unknown':
      return refused(
        'outcome-unknown',
        'Whether it was bought is not known yet. Try again with the same key to learn it.',
      );
  }
}

/** The same words for the gate's refusal and for the local one. */
export function soldOut(): Refusal {
  const extra = { retryAfterSeconds: jitteredSeconds() };
  return { code: 'sold-out', detail: 'Not enough units are left.', extra };
}

function accepted(order: PlacedOrder, replayed: boolean): PurchaseAnswer {
  const { orderId, productId, saleId, quantity, acceptedAtMs } = order;
  // The order of the fields is part of the promise. None of them holds a character that JSON would escape.
  const body =
    `{"orderId":"${orderId}","status":"accepted","productId":"${productId}","saleId":"${saleId}",` +
    `"quantity":${quantity},"acceptedAt":"${isoOf(acceptedAtMs)}"}`;
  return { kind: 'accepted', body, location: `/v1/orders/${orderId}`, replayed };
}

let lastIso = { atMs: 0, text: new Date(0).toISOString() };

/** The orders of a call to the gate have one time, and its text costs 1 us. */
function isoOf(atMs: number): string {
  if (atMs !== lastIso.atMs) lastIso = { atMs, text: new Date(atMs).toISOString() };
  return lastIso.text;
}

function refused(code: Refusal['code'], detail: string, retryAfterSeconds?: number): PurchaseAnswer {
  const extra = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return { kind: 'refused', problem: { code, detail, extra } };
}

function secondsUntil(opensInMs: number): number {
  return jitteredSeconds(Math.max(1, Math.ceil(opensInMs / 1_000)));
}
