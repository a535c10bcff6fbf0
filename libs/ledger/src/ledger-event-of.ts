import {
  LEDGER_EVENTS_TYPE,
  type LedgerEvent,
  type LedgerImage,
  type OrderRun,
  type RowImages,
} from '@flux/contracts';
import type { OrderEventEntity } from './entities/order-event.entity';
import type { StoredRun } from './stored-runs';

/**
 * Characters of order lines in one message: with all around them far below what Kafka takes. A batch of the longest
 * shopper ids, 64 characters each, fills it with 5,000 orders.
 */
const LINES_PER_MESSAGE = 600_000;

/** What is published of one queued transaction: one message, or parts of it. Rows of the release before have none. */
export function ledgerEventsOf(row: OrderEventEntity, linesPerMessage = LINES_PER_MESSAGE): LedgerEvent[] {
  const { saleId, productId, version, ledger, events, more } = row;
  if (version === null || ledger === null) return [];
  const { causes = [], parked = [], intents, renamed, removedStockChanges } = more ?? {};
  const rows = rowsOf(row);
  const head = { type: LEDGER_EVENTS_TYPE, saleId, productId, version: Number(version) } as const;
  const parts = partsOf([...parked, ...events].flatMap(orderRunsOf), linesPerMessage);
  return parts.map((runs, index): LedgerEvent => {
    const event = { ...head, part: index + 1, parts: parts.length, ledger: ledger as LedgerImage, runs };
    if (index < parts.length - 1) return { ...event, causes: [] };
    return {
      ...event,
      causes: [...causes],
      ...(intents === undefined ? {} : { intents }),
      ...(renamed === undefined ? {} : { renamed }),
      ...(removedStockChanges === undefined ? {} : { removedStockChanges: [...removedStockChanges] }),
      ...(rows === undefined ? {} : { rows }),
    };
  });
}

/** PostgreSQL writes null for a table of which no row was found. */
function rowsOf({ rows }: OrderEventEntity): RowImages | undefined {
  if (rows === null) return undefined;
  return Object.fromEntries(Object.entries(rows).filter(([, images]) => images !== null));
}

/** None of a run that the release before has queued: it does not say how its rows were written. */
function orderRunsOf([state, atMs, holdUntilMs, reason, paymentId, orders, row]: StoredRun): OrderRun[] {
  if (row === undefined) return [];
  const run = { state, atMs, holdUntilMs, reason, paymentId, orders };
  if (row[0] === 'changed') return [{ ...run, kind: row[0], gateEpoch: row[1] }];
  return [{ ...run, kind: row[0], epoch: row[1], firstSequence: row[2] }];
}

/** At least one part; each but the last is full. */
function partsOf(runs: readonly OrderRun[], size: number): OrderRun[][] {
  const parts: OrderRun[][] = [];
  let part: OrderRun[] = [];
  let left = size;
  for (const run of runs) {
    let rest = run;
    for (;;) {
      if (rest.orders.length <= left) {
        part.push(rest);
        left -= rest.orders.length;
        break;
      }
      const [head, tail] = cut(rest, left);
      if (head !== undefined) part.push(head);
      parts.push(part);
      part = [];
      left = size;
      rest = tail;
    }
  }
  return [...parts, part];
}

/** The lines that fit, and those that do not: their first one has what it shared with the line before. */
function cut(run: OrderRun, size: number): readonly [head: OrderRun | undefined, tail: OrderRun] {
  const lines = run.orders.split('\n');
  let taken = 0;
  let shared = '';
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    // A message of a single order is small, whatever the limit.
    if (length > size + 1 && !(taken === 0 && lines.length === 1)) break;
    shared = sharedOf(line) ?? shared;
    taken += 1;
  }
  if (taken === 0) return [undefined, run];
  const [first = '', ...others] = lines.slice(taken);
  const head = { ...run, orders: lines.slice(0, taken).join('\n') };
  if (run.kind === 'changed') return [head, { ...run, orders: [first, ...others].join('\n') }];
  const whole = sharedOf(first) === undefined ? withShared(first, shared) : first;
  const firstSequence = run.firstSequence + taken;
  return [head, { ...run, firstSequence, orders: [whole, ...others].join('\n') }];
}

/** Fingerprint and time stand before the pass, which is the only other word that such a line may have. */
function withShared(line: string, shared: string): string {
  const [key, shopperId, quantity, ...pass] = line.split(' ');
  return [key, shopperId, quantity, shared, ...pass].join(' ');
}

/** Fingerprint and time of a line of new orders, where it has them. */
function sharedOf(line: string): string | undefined {
  const [, , , fingerprint, acceptedAtMs] = line.split(' ');
  return acceptedAtMs === undefined ? undefined : `${fingerprint} ${acceptedAtMs}`;
}
