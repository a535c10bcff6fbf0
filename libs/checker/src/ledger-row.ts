import { FORGOTTEN_SHOPPER_PATTERN, statusOfState, type OrderState, type OrderStatus } from '@flux/contracts';

/** What an order was before its present state. */
export interface PastStatus {
  readonly status: OrderStatus;
  readonly atMs: number;
  readonly reason: string | undefined;
}

/** One order row. What the other stores say of it is noted while they are read past it. */
export interface LedgerRow {
  readonly orderId: string;
  readonly productId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly fingerprint: string;
  /** Of the pass that it redeemed. */
  readonly passId: string | undefined;
  readonly state: OrderState;
  readonly reason: string | null;
  readonly booked: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly acceptedAtMs: number;
  readonly decidedAtMs: number;
  readonly isHeld: boolean;
  /** Epoch and sequence of the shopper's wish to cancel it. */
  readonly cancelEpoch: number | undefined;
  readonly cancelSequence: number | undefined;
  /** Oldest first. */
  readonly history: readonly PastStatus[];
  /** The gate has not been told of the state yet. */
  readonly isUntold: boolean;
  inGate: boolean;
  inKafka: boolean;
  /** The message with the wish to cancel it was put aside: whether it was done is not known. */
  cancelParked: boolean;
  /** Statuses as they were published, each at its first time. */
  readonly published: OrderStatus[];
}

/**
 * Whether the row was refused because its epoch had ended. Such a one may come after the gate was rebuilt, which then
 * knows nothing of it: its key is judged anew.
 */
export function isOldEpoch({ state, reason }: Pick<LedgerRow, 'state' | 'reason'>): boolean {
  return state === 'rejected' && reason === 'old-epoch';
}

/** Whether the row's shopper was forgotten, and with the name the pass that would lead to it. */
export function isForgotten({ shopperId }: Pick<LedgerRow, 'shopperId'>): boolean {
  return FORGOTTEN_SHOPPER_PATTERN.test(shopperId);
}

/** The columns of `orders` that `rowOf` reads. Times are cut to milliseconds, as every client of the ledger does. */
export const ROW_COLUMNS = `
  order_id, product_id, shopper_id, quantity, fingerprint, pass_id, state, reason, booked, epoch, sequence,
  floor(extract(epoch FROM accepted_at) * 1000) AS accepted_at_ms,
  floor(extract(epoch FROM decided_at) * 1000) AS decided_at_ms,
  hold_until IS NOT NULL AS held, cancel_epoch, cancel_sequence, history, gate_epoch IS NOT NULL AS untold`;

export function rowOf(row: Readonly<Record<string, unknown>>): LedgerRow {
  return {
    orderId: String(row['order_id']),
    productId: String(row['product_id']),
    shopperId: String(row['shopper_id']),
    quantity: Number(row['quantity']),
    fingerprint: String(row['fingerprint']),
    passId: typeof row['pass_id'] === 'string' ? row['pass_id'] : undefined,
    state: row['state'] as OrderState,
    reason: typeof row['reason'] === 'string' ? row['reason'] : null,
    booked: Number(row['booked']),
    epoch: Number(row['epoch']),
    sequence: Number(row['sequence']),
    acceptedAtMs: Number(row['accepted_at_ms']),
    decidedAtMs: Number(row['decided_at_ms']),
    isHeld: row['held'] === true,
    cancelEpoch: optionalNumber(row['cancel_epoch']),
    cancelSequence: optionalNumber(row['cancel_sequence']),
    history: historyOf(row['history']),
    isUntold: row['untold'] === true,
    inGate: false,
    inKafka: false,
    cancelParked: false,
    published: [],
  };
}

/** The statuses of an order's whole life, the present one last. */
export function statusesOf({ history, state }: LedgerRow): readonly OrderStatus[] {
  return [...history.map(({ status }) => status), statusOfState(state)];
}

function historyOf(history: unknown): readonly PastStatus[] {
  if (!Array.isArray(history)) return [];
  return (history as Readonly<Record<string, unknown>>[]).map(({ status, at, reason }) => ({
    status: status as OrderStatus,
    atMs: Date.parse(String(at)),
    reason: typeof reason === 'string' ? reason : undefined,
  }));
}

function optionalNumber(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}
