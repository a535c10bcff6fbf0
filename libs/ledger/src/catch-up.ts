import { CANCEL_REQUESTED_TYPE, type ItemEvent, type ItemRef } from '@flux/contracts';
import type { SettledRun, SettleRequest, StateWrite } from '@flux/gate';
import { REWOUND } from './decide-batch';
import { givesWay, type KnownOrder } from './ledger-row';
import { stateWriteOf } from './settlement';

type KnownOrders = ReadonlyMap<string, KnownOrder>;

/**
 * Whether the ledger, which is in `epoch`, has still to judge something of an event. A wish to cancel of an epoch that
 * ended is never missed: where it did not come in time it counts no more.
 */
export function isMissing(event: ItemEvent, known: KnownOrders, epoch: number): boolean {
  if (event.type === CANCEL_REQUESTED_TYPE) {
    const intent = known.get(event.orderId)?.intent;
    return event.epoch === epoch && !(intent?.epoch === epoch && intent.sequence === event.firstSequence);
  }
  return event.orders.some(({ orderId }) => isOrderMissing(known.get(orderId), event.epoch));
}

function isOrderMissing(row: KnownOrder | undefined, epoch: number): boolean {
  return row === undefined || givesWay(row, epoch);
}

export interface CatchUpQuestion extends ItemRef {
  readonly epoch: number;
  /** The gate's watermark. */
  readonly settled: number;
  /** The ledger's watermark, read before `known`: up to here all has been judged. */
  readonly watermark: number;
  /** What the gate's outbox holds above `settled`, in its order, from the first on. */
  readonly events: readonly ItemEvent[];
  /** The rows of the orders that the events are about. */
  readonly known: KnownOrders;
}

export type CatchUpStep =
  /** To be settled now; then comes what lies above its watermark. */
  | { readonly outcome: 'settle'; readonly request: SettleRequest }
  /** These events hold nothing that has been judged and directly follows what is settled. */
  | { readonly outcome: 'nothing' }
  /** The ledger gave a sequence to something else: Redis went back in time. */
  | { readonly outcome: 'rewound'; readonly reason: string };

/**
 * What a gate that is behind lacks of the ledger, told by what its own outbox still holds: the events up to the
 * ledger's watermark or the first gap, with the states that their orders have now, and when they were confirmed.
 */
export function catchUpStep(question: CatchUpQuestion): CatchUpStep {
  const { epoch, settled, watermark, events, known } = question;
  const judged: JudgedSequence[] = [];
  let next = settled + 1;
  for (const event of events) {
    if (event.epoch !== epoch || event.firstSequence > next) break;
    for (const place of sequencesOf(event, known)) {
      if (place.sequence < next) continue;
      if (place.sequence > watermark) return stepOf(question, judged);
      if (place.row === undefined) return { outcome: 'rewound', reason: REWOUND.repeatedSequence };
      judged.push({ ...place, row: place.row });
      next += 1;
    }
  }
  return stepOf(question, judged);
}

interface EventSequence {
  readonly sequence: number;
  /** What the ledger has of it; undefined where it lacks it. */
  readonly row: KnownOrder | undefined;
  /** Of an intent's order the state is told in another way. */
  readonly isIntent: boolean;
}

interface JudgedSequence extends EventSequence {
  readonly row: KnownOrder;
}

function sequencesOf(event: ItemEvent, known: KnownOrders): readonly EventSequence[] {
  const { epoch, firstSequence } = event;
  if (event.type === CANCEL_REQUESTED_TYPE) {
    const row = isMissing(event, known, epoch) ? undefined : known.get(event.orderId);
    return [{ sequence: firstSequence, row, isIntent: true }];
  }
  return event.orders.map(({ orderId }, index) => {
    const row = known.get(orderId);
    const missing = isOrderMissing(row, epoch);
    return { sequence: firstSequence + index, row: missing ? undefined : row, isIntent: false };
  });
}

function stepOf(
  { saleId, productId, epoch, settled }: CatchUpQuestion,
  judged: readonly JudgedSequence[],
): CatchUpStep {
  const last = judged.at(-1);
  if (last === undefined) return { outcome: 'nothing' };
  const states: StateWrite[] = [];
  const runs: SettledRun[] = [];
  let atMs: number | undefined;
  for (const { sequence, row, isIntent } of judged) {
    if (isIntent) continue;
    const state = stateWriteOf(row, row.decidedAtMs);
    if (state !== undefined) {
      states.push(state);
      continue;
    }
    // A run goes on until an order that was confirmed at another time.
    if (atMs !== undefined && atMs !== row.decidedAtMs) runs.push({ upTo: sequence - 1, atMs });
    atMs = row.decidedAtMs;
  }
  return {
    outcome: 'settle',
    request: {
      ...{ saleId, productId, epoch, states, statesAfter: settled },
      watermark: last.sequence,
      watermarkOrderId: last.row.orderId,
      runs: [...runs, { upTo: last.sequence, atMs: atMs ?? last.row.decidedAtMs }],
    },
  };
}
