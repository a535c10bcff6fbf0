import { FIRST_STATES, nextState, ORDER_ACTIONS, type OrderState, type OrderStatus } from '@flux/contracts';
import type { LineFindings } from '../audit-report';
import type { LedgerRow } from '../ledger-row';

const ENDS: readonly OrderState[] = ['rejected', 'cancelled', 'expired'];

/** What became of every order, by its row alone. Call it when Kafka has been read past the rows. */
export function lifeLine(rows: Iterable<LedgerRow>, line: LineFindings): void {
  for (const row of rows) {
    line.look();
    const { orderId, state, isHeld, cancelSequence, cancelParked } = row;
    const steps = stepsOf(row);
    const wrong = steps.findIndex((step, index) => !mayFollow(steps[index - 1], step));
    if (wrong !== -1)
      line.offend(`${orderId}: ${describe(steps[wrong - 1])} became ${describe(steps[wrong])}`);
    const ends = steps.filter((step) => isEnd(step)).length;
    if (ends > 1) line.offend(`${orderId}: ended ${ends} times`);
    if (isHeld !== (state === 'confirmed')) {
      line.offend(`${orderId}: ${isHeld ? 'has a hold' : 'has no hold'}, and is ${state}`);
    }
    const isLive = state === 'confirmed' || state === 'parked';
    if (cancelSequence !== undefined && isLive && !cancelParked) {
      line.offend(`${orderId}: its shopper wished to cancel it, and it is ${state}`);
    }
  }
}

interface Step {
  readonly state: OrderState;
  readonly reason: string | null | undefined;
}

function stepsOf({ history, state, reason }: LedgerRow): readonly Step[] {
  const past = history.map(({ status, reason }) => ({ state: stateOf(status), reason }));
  return [...past, { state, reason }];
}

/** In the ledger an order that reads as accepted is parked. */
function stateOf(status: OrderStatus): OrderState {
  return status === 'accepted' ? 'parked' : status;
}

function mayFollow(before: Step | undefined, { state }: Step): boolean {
  // An order accepted in a newer epoch takes over a row that was refused as old-epoch, and is judged as a new one.
  if (before === undefined || isRetaken(before)) return FIRST_STATES.some((first) => first === state);
  return ORDER_ACTIONS.some((action) => nextState(before.state, action) === state);
}

function isEnd(step: Step): boolean {
  return ENDS.some((end) => end === step.state);
}

function isRetaken({ state, reason }: Step): boolean {
  return state === 'rejected' && reason === 'old-epoch';
}

function describe(step: Step | undefined): string {
  return step?.state ?? 'nothing';
}
