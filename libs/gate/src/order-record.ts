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
  /** The sequence of its shopper's intent to cancel it. */
  readonly cancelSequence: number | undefined;
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
  /^([-acrxep])\|(\d{1,16})\|(\d{1,5})\|(\d{1,16})\|([A-Za-z0-9_-]{11})\|([A-Za-z0-9_-]{16})(?:\|(\d{1,16})|\|(?=\|))?(?:\|(\d{1,16}))?$/;

export function stateLetter(status: OrderStatus): string {
  return LETTERS[status];
}

/** Whose order it is, without the name: 96 bits of SHA-256 over the shopper's id. */
export function shopperHashOf(shopperId: string): string {
  return hash('sha256', shopperId, 'base64url').slice(0, 16);
}

export function encodeRecord(record: OrderRecord): string {
  const { state, sequence, quantity, acceptedAtMs, fingerprint, shopperHash, changedAtMs, cancelSequence } =
    record;
  const letter = state === undefined ? '-' : LETTERS[state];
  const fields = [letter, sequence, quantity, acceptedAtMs, fingerprint, shopperHash];
  if (cancelSequence !== undefined) return [...fields, changedAtMs ?? '', cancelSequence].join('|');
  return (changedAtMs === undefined ? fields : [...fields, changedAtMs]).join('|');
}

/** @throws UnexpectedReplyError where the text is not a record */
export function decodeRecord(text: string): OrderRecord {
  const [, letter, sequence, quantity, acceptedAtMs, fingerprint, shopperHash, changedAtMs, cancelSequence] =
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
    changedAtMs: optional(changedAtMs),
    cancelSequence: optional(cancelSequence),
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

/** What the status and times of a record without a state of its own follow from. */
export interface RecordContext {
  readonly watermark: number;
  /** When the ledger had committed the record's sequence, where it has. */
  readonly settledAtMs: number | undefined;
  /** How long a confirmed order holds its units; undefined where the item does not say. */
  readonly holdMs: number | undefined;
}

/**
 * The order as a shopper may read it.
 * @throws UnexpectedReplyError where the id is not an order id
 */
export function gateOrder(
  orderId: string,
  record: OrderRecord,
  { watermark, settledAtMs, holdMs }: RecordContext,
): GateOrder {
  const status = statusOf(record, watermark);
  const confirmed = status === 'confirmed';
  const changedAtMs = record.changedAtMs ?? (confirmed ? settledAtMs : undefined);
  return {
    ...placedOrder(orderId, record),
    status,
    updatedAtMs: changedAtMs ?? record.acceptedAtMs,
    holdUntilMs:
      confirmed && changedAtMs !== undefined && holdMs !== undefined ? changedAtMs + holdMs : undefined,
    cancelRequested: record.cancelSequence !== undefined,
  };
}

/** The change id under which an ended order's units go back to the gate. */
export function releaseIdOf(orderId: string): string {
  return `release:${orderId}`;
}

function optional(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}
