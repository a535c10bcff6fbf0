import { hash } from 'node:crypto';
import type { OrderStatus } from '@flux/contracts';

/** One order in the gate, decoded by the checker's own hand; undefined where the record is not readable. */
export interface GateRecord {
  readonly orderId: string;
  readonly content:
    | {
        readonly status: OrderStatus;
        readonly sequence: number;
        readonly quantity: number;
        readonly acceptedAtMs: number;
        readonly fingerprint: string;
        readonly shopperHash: string;
        /** Of the shopper's wish to cancel it; undefined where there is none. */
        readonly cancelSequence: number | undefined;
      }
    | undefined;
}

export interface OutboxOrder {
  readonly kind: 'order';
  readonly orderId: string;
  readonly shopperId: string;
  readonly quantity: number;
  /** Of the pass that it redeemed. */
  readonly passId: string | undefined;
  readonly epoch: number;
  readonly sequence: number;
}

/** A shopper's wish to cancel an order. */
export interface OutboxIntent {
  readonly kind: 'intent';
  readonly orderId: string;
  readonly epoch: number;
  readonly sequence: number;
}

const RECORD =
  /^(?<state>[-acrxep])\|(?<sequence>\d+)\|(?<quantity>\d+)\|(?<at>\d+)\|(?<fingerprint>[^|]*)\|(?<shopper>[^|]*)(\|\d+|\|\d*\|(?<cancel>\d+))?$/;

const OWN_STATES: Readonly<Record<string, OrderStatus>> = {
  a: 'accepted',
  c: 'confirmed',
  r: 'rejected',
  x: 'cancelled',
  e: 'expired',
  p: 'paid',
};

/** Whose order a record is, without the name. */
export function shopperHashOf(shopperId: string): string {
  return hash('sha256', shopperId, 'base64url').slice(0, 16);
}

/** @param watermark a record with no state of its own reads as confirmed at or below it */
export function decodeRecord(orderId: string, text: string, watermark: number): GateRecord {
  const fields = RECORD.exec(text)?.groups;
  if (fields === undefined) return { orderId, content: undefined };
  const sequence = Number(fields['sequence']);
  const settled = sequence <= watermark;
  // What a rebuild writes follows from no watermark: it has its state written out.
  if (sequence === 0 && OWN_STATES[fields['state'] ?? ''] === undefined)
    return { orderId, content: undefined };
  const cancel = fields['cancel'];
  return {
    orderId,
    content: {
      status: OWN_STATES[fields['state'] ?? ''] ?? (settled ? 'confirmed' : 'accepted'),
      sequence,
      quantity: Number(fields['quantity']),
      acceptedAtMs: Number(fields['at']),
      fingerprint: fields['fingerprint'] ?? '',
      shopperHash: fields['shopper'] ?? '',
      cancelSequence: cancel === undefined ? undefined : Number(cancel),
    },
  };
}

/** What one entry of an outbox holds: orders, or one wish to cancel. */
export function decodeEntry(id: string, flat: readonly string[]): (OutboxOrder | OutboxIntent)[] {
  const valueOf = (name: string): string | undefined => {
    const at = flat.findIndex((field, place) => place % 2 === 0 && field === name);
    return at === -1 ? undefined : flat[at + 1];
  };
  const epoch = Number(id.split('-')[0]);
  const first = Number(valueOf('first'));
  const cancel = valueOf('cancel');
  if (cancel !== undefined) {
    const [orderId = ''] = cancel.split(' ');
    return [{ kind: 'intent', orderId, epoch, sequence: first }];
  }
  return (valueOf('orders') ?? '').split('\n').map((line, index) => {
    const [orderId = '', shopperId = '', quantity = '', , passId] = line.split(' ');
    return {
      kind: 'order',
      orderId,
      shopperId,
      quantity: Number(quantity),
      passId,
      epoch,
      sequence: first + index,
    };
  });
}
