import { itemOfOrderId, PASS_ID_PATTERN, SALE_ID_PATTERN, SHOPPER_ID_PATTERN } from '@flux/contracts';
import { InvalidRequestError, UnexpectedReplyError } from './gate-error';
import { decodeRecord, placedOrder, shopperHashOf } from './order-record';
import type { ReserveOutcome, ReserveRequest } from './outcomes';
import { numberOf } from './reply';

const FINGERPRINT = /^[A-Za-z0-9_-]{11}$/;
const MAX_QUANTITY = 10;

/**
 * The last guard before the batch: a request that breaks a pattern is its own caller's error, never its neighbours'.
 * @throws InvalidRequestError
 */
export function assertReservable(request: ReserveRequest): void {
  const { saleId, productId, orderId, shopperId, quantity, fingerprint, passId } = request;
  if (!SALE_ID_PATTERN.test(saleId)) throw new InvalidRequestError('saleId');
  if (!SALE_ID_PATTERN.test(productId)) throw new InvalidRequestError('productId');
  const item = itemOfOrderId(orderId);
  if (item?.saleId !== saleId || item.productId !== productId) throw new InvalidRequestError('orderId');
  if (!SHOPPER_ID_PATTERN.test(shopperId)) throw new InvalidRequestError('shopperId');
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > MAX_QUANTITY) {
    throw new InvalidRequestError('quantity');
  }
  if (!FINGERPRINT.test(fingerprint)) throw new InvalidRequestError('fingerprint');
  if (passId !== undefined && !PASS_ID_PATTERN.test(passId)) throw new InvalidRequestError('passId');
}

/** ARGV of one request, as reserve.lua takes it. */
export function reserveArgs(request: ReserveRequest): readonly (string | number)[] {
  const { orderId, shopperId, quantity, fingerprint, saleNamed, passId = '' } = request;
  return [orderId, shopperId, quantity, fingerprint, shopperHashOf(shopperId), saleNamed ? 1 : 0, passId];
}

export interface ReserveReply {
  readonly epoch: number;
  readonly atMs: number;
  /** One per request, in order. */
  readonly replies: readonly unknown[];
}

/** @throws UnexpectedReplyError */
export function decodeReserveReply(reply: unknown, requests: number): ReserveReply {
  if (!Array.isArray(reply) || reply.length !== requests + 2) throw new UnexpectedReplyError('reserve');
  const [epoch, atMs, ...replies] = reply as readonly unknown[];
  if (typeof epoch !== 'number' || typeof atMs !== 'number') throw new UnexpectedReplyError('reserve head');
  return { epoch, atMs, replies };
}

/**
 * @param reply words separated by spaces
 * @param atMs when the call was decided
 * @throws UnexpectedReplyError
 */
export function decodeReserveOutcome(request: ReserveRequest, reply: unknown, atMs: number): ReserveOutcome {
  if (typeof reply !== 'string') throw new UnexpectedReplyError('reserve outcome');
  const [word = '', first, second] = reply.split(' ');
  switch (word) {
    case 'accepted': {
      const { orderId, saleId, productId, quantity } = request;
      const order = { orderId, saleId, productId, quantity, sequence: numberOf(first), acceptedAtMs: atMs };
      return { outcome: word, order };
    }
    case 'replayed':
      return { outcome: word, order: placedOrder(request.orderId, decodeRecord(first ?? '')) };
    case 'soldOut':
      return { outcome: word, version: numberOf(first), available: numberOf(second) };
    case 'shopperLimit':
      return { outcome: word, limit: numberOf(first) };
    case 'waitingRoom':
      return { outcome: word, since: numberOf(first) };
    case 'notOpen':
      return { outcome: word, reason: first === 'early' ? 'early' : 'paused', opensInMs: numberOf(second) };
    case 'moved':
      return { outcome: word, saleId: first ?? '' };
    case 'passUsed':
    case 'reused':
    case 'closed':
    case 'notReady':
      return { outcome: word };
    default:
      throw new UnexpectedReplyError('reserve outcome');
  }
}
