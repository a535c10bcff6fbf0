import { hash } from 'node:crypto';
import { itemOfOrderId, type OrderStatus } from '@flux/contracts';
import { UnexpectedReplyError } from './gate-error';
import type { GateOrder, PlacedOrder } from './outcomes';

/** An order's record as it stands in the `orders` hash; `scripts/includes/record.lua` is its other half. */
export interface OrderRecord {
  /** undefined: none of its own, accepted above the watermark and confirmed at or below it. */
  readonly state: OrderStatus | undefined;
  /** 0 where a rebuild wrote the record. */
  readonly sequence: number;
  readonly quantity: number;
  readonly acceptedAtMs: number;
  readonly fingerprint: string;
  readonly shopperHash: string;
  /** When its own state was written out. */
  readonly changedAtMs: number | undefined;
}

const LETTERS = {
  accepted: 'a',
  confirmed: 'c',
  rejected: 'r',
  cancelled: 'x',
  expired: 'e',
  paid: 'p',
} as const satisfies Record<OrderStatus, string>;
const STATES = new Map<string, OrderStatus>(
  (Object.keys(LETTERS) as OrderStatus[]).map((status) => [LETTERS[status], status]),
);

const RECORD =
  /^([-acrxep])\|(\d{1,16})\|(\d{1,5})\|(\d{1,16})\|([A-Za-z0-9_-]{11})\|([A-Za-z0-9_-]{16})(?:\|(\d{1,16}))?$/;

export function stateLetter(status: OrderStatus): string {
  return LETTERS[status];
}

/** Whose order it is, without the name: 96 bits of SHA-256 over the shopper's id. */
export function shopperHashOf(shopperId: string): string {
  return hash('sha256', shopperId, 'base64url').slice(0, 16);
}

export function encodeRecord(record: OrderRecord): string {
  const { state, sequence, quantity, acceptedAtMs, fingerprint, shopperHash, changedAtMs } = record;
  const letter = state === undefined ? '-' : LETTERS[state];
  const fields = [letter, sequence, quantity, acceptedAtMs, fingerprint, shopperHash];
  return (changedAtMs === undefined ? fields : [...fields, changedAtMs]).join('|');
}

/** @throws UnexpectedReplyError where the text is not a record */
export function decodeRecord(text: string): OrderRecord {
  const [, letter, sequence, quantity, acceptedAtMs, fingerprint, shopperHash, changedAtMs] =
    RECORD.exec(text) ?? [];
  if (letter === undefined || fingerprint === undefined || shopperHash === undefined) {
    throw new UnexpectedReplyError('not an order record');
  }
  return {
    state: STATES.get(letter),
    sequence: Number(sequence),
    quantity: Number(quantity),
    acceptedAtMs: Number(acceptedAtMs),
    fingerprint,
    shopperHash,
    changedAtMs: changedAtMs === undefined ? undefined : Number(changedAtMs),
  };
}

/** The status that follows from a record and its item's watermark. */
export function statusOf(record: OrderRecord, watermark: number): OrderStatus {
  return record.state ?? (record.sequence <= watermark ? 'confirmed' : 'accepted');
}

/** @throws UnexpectedReplyError where the id is not an order id */
export function placedOrder(orderId: string, record: OrderRecord): PlacedOrder {
  const item = itemOfOrderId(orderId);
  if (item === undefined) throw new UnexpectedReplyError('not an order id');
  const { quantity, sequence, acceptedAtMs } = record;
  return { orderId, ...item, quantity, sequence, acceptedAtMs };
}

/**
 * The order as a shopper may read it.
 * @param settledAtMs when the ledger had committed the record's sequence, where it has
 */
export function gateOrder(
  orderId: string,
  record: OrderRecord,
  { watermark, settledAtMs }: { readonly watermark: number; readonly settledAtMs: number | undefined },
): GateOrder {
  const status = statusOf(record, watermark);
  const derivedAtMs = record.state === undefined && status === 'confirmed' ? settledAtMs : undefined;
  return {
    ...placedOrder(orderId, record),
    status,
    updatedAtMs: record.changedAtMs ?? derivedAtMs ?? record.acceptedAtMs,
  };
}
