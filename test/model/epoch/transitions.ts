import { rewindProof } from '../../../apps/orders/src/rewind-proof';
import { givesWay } from '../../../libs/ledger/src/ledger-row';
import * as gates from './gate';
import { applyMessage, catchUp, change } from './ledger';
import { rebuildSteps } from './rebuild';
import type { Bounds, Context } from './rules';
import {
  messageOf,
  type Gate,
  type Message,
  type OrderId,
  type OutboxEntry,
  type State,
  type Step,
} from './state';

export function initialState({ initial, ...bounds }: Bounds): State {
  const { snapshots, failovers, wipes, deletions, rebuilds, crashes, expiries, payments } = bounds;
  return {
    gate: {
      ...{ epoch: 1, suspended: false, available: initial, sequence: 0, watermark: 0, cursor: undefined },
      ...{ records: {}, outbox: [], released: [], closedBy: undefined, damaged: false },
    },
    zombie: undefined,
    snapshot: undefined,
    log: [],
    applied: 0,
    committed: 0,
    ledger: {
      ...{ epoch: 1, epochOffset: undefined, held: 0, sold: 0, suspended: false },
      ...{ watermark: 0, watermarkOrderId: '', ahead: [] },
    },
    rows: {},
    settlement: undefined,
    rebuilders: [],
    promised: {},
    left: { snapshots, failovers, wipes, deletions, rebuilds, crashes, expiries, payments },
  };
}

/** Everything that can happen next. Steps that change nothing are left to the explorer, which knows their state. */
export function stepsOf(state: State, context: Context): Step[] {
  return [...purchases(state, context), ...progress(state, context), ...faults(state), ...changes(state)];
}

/** What the processes do by themselves. */
export function progress(state: State, context: Context): Step[] {
  return [
    ...settles(state, context),
    ...deliveries(state, context),
    ...tells(state, context),
    ...rebuildSteps(state, context),
    ...sends(state, context),
  ];
}

function purchases(state: State, { bounds, rules }: Context): Step[] {
  const steps: Step[] = [];
  for (const id of bounds.orders) {
    if (state.gate !== undefined) {
      const gate = gates.accept(state.gate, id, rules);
      if (gate !== undefined) {
        const promised = { ...state.promised, [id]: gate.damaged ? 0 : gate.epoch };
        steps.push([`${id} is accepted`, { ...state, gate, promised }]);
      }
    }
    if (state.zombie !== undefined) {
      const zombie = gates.accept(state.zombie, id, rules);
      if (zombie !== undefined) steps.push([`${id} is accepted by the zombie`, { ...state, zombie }]);
    }
  }
  return steps;
}

/** A relay or the sweeper sends an entry, in any order and again: what is lost on the way was not sent. */
function sends(state: State, { bounds }: Context): Step[] {
  if (state.log.length >= bounds.messages) return [];
  const steps: Step[] = [];
  const from = (gate: Gate | undefined, where: string): void => {
    for (const entry of gate?.outbox ?? []) {
      const message = messageOf(gate?.epoch ?? 0, entry);
      if (copiesOf(state.log, message) >= bounds.copies) continue;
      steps.push([`${where} sends ${nameOf(message)}`, { ...state, log: [...state.log, message] }]);
    }
  };
  from(state.gate, 'a relay');
  from(state.zombie, "the zombie's relay");
  return steps;
}

function nameOf({ epoch, sequence, orderId }: Message): string {
  return `${orderId} (epoch ${epoch}, sequence ${sequence})`;
}

function copiesOf(log: readonly Message[], message: Message): number {
  const { epoch, sequence, orderId } = message;
  return log.filter((one) => one.epoch === epoch && one.sequence === sequence && one.orderId === orderId)
    .length;
}

/** The transaction of a message, again too, and the commit of its offset as a step of its own. */
function deliveries(state: State, context: Context): Step[] {
  const steps: Step[] = [];
  for (const [offset, message] of state.log.entries()) {
    if (offset > state.committed) break;
    const decided = applyMessage(state, message, { offset, context });
    const { ledger, rows, settlement = state.settlement } = decided;
    const applied = Math.max(state.applied, offset + 1);
    steps.push([`orders applies ${nameOf(message)}`, { ...state, ledger, rows, settlement, applied }]);
  }
  if (state.applied > state.committed) {
    steps.push(['orders commits the offset', { ...state, committed: state.committed + 1 }]);
  }
  return steps;
}

function settles(state: State, { rules }: Context): Step[] {
  const { gate, ledger, settlement } = state;
  if (gate === undefined) return [];
  const steps: Step[] = [];
  if (settlement !== undefined) {
    const settled = gates.settle(gate, settlement, rules);
    const suspended =
      ledger.suspended || (settled.outcome === 'rewound' && ledger.epoch === settlement.epoch);
    const after = { ...state, gate: settled.gate, ledger: { ...ledger, suspended }, settlement: undefined };
    steps.push([`the gate hears of the watermark ${settlement.watermark}: ${settled.outcome}`, after]);
  }
  if (ledger.epoch !== gate.epoch || gate.watermark === undefined) return steps;
  if (ledger.suspended && !gate.suspended) {
    steps.push(['the sweeper suspends the gate', { ...state, gate: gates.suspend(gate, ledger.epoch) }]);
  }
  if (gate.watermark < ledger.watermark) {
    const caught = catchUp(state, gate);
    const settled = caught.outcome === 'settle' ? gates.settle(gate, caught.settlement, rules) : undefined;
    const rewound = caught.outcome === 'rewound' || settled?.outcome === 'rewound';
    const suspended = ledger.suspended || rewound;
    const after = { ...state, gate: settled?.gate ?? gate, ledger: { ...ledger, suspended } };
    steps.push(['the sweeper catches up', after]);
  }
  if (!ledger.suspended && proofOf(state) !== undefined) {
    steps.push([
      'the sweeper finds that Redis went back',
      { ...state, ledger: { ...ledger, suspended: true } },
    ]);
  }
  return steps;
}

/** `rewindProof` of readings taken at one moment; undefined also where gate and ledger are of different epochs. */
export function proofOf({ gate, ledger }: State): string | undefined {
  if (gate?.epoch !== ledger.epoch || gate.watermark === undefined) return undefined;
  return rewindProof({
    before: ledger,
    gateSequence: gate.sequence,
    oldestSequence: gate.outbox[0]?.sequence,
    gateWatermark: gate.watermark,
    after: ledger,
  });
}

/** The gate hears of an order's end or payment; whoever tells may die before that is noted. */
function tells(state: State, { rules }: Context): Step[] {
  return Object.values(state.rows).flatMap((row): Step[] => {
    if (row.untold === undefined) return [];
    const answer = gates.tell(state.gate, row, rules);
    if (answer === undefined) return [];
    const name = `the gate is told that ${row.orderId} is ${row.state}`;
    const told = { ...state.rows, [row.orderId]: { ...row, untold: undefined } };
    return [
      [name, { ...state, ...answer, rows: told }],
      [`${name}, and nobody notes it`, { ...state, ...answer }],
    ];
  });
}

function changes(state: State): Step[] {
  const { left } = state;
  const confirmed = Object.values(state.rows).filter((row) => row.state === 'confirmed');
  return confirmed.flatMap((row): Step[] => {
    const steps: Step[] = [];
    if (left.expiries > 0) {
      const lessLeft = { ...left, expiries: left.expiries - 1 };
      steps.push([`${row.orderId} expires`, { ...state, ...change(state, row, 'expire'), left: lessLeft }]);
    }
    if (left.payments > 0) {
      const lessLeft = { ...left, payments: left.payments - 1 };
      steps.push([`${row.orderId} is paid`, { ...state, ...change(state, row, 'pay'), left: lessLeft }]);
    }
    return steps;
  });
}

function faults(state: State): Step[] {
  const { gate, snapshot, zombie, left } = state;
  const steps: Step[] = [];
  if (left.snapshots > 0 && gate !== undefined) {
    const after = { ...state, snapshot: gate, left: { ...left, snapshots: left.snapshots - 1 } };
    steps.push(['a replica has this much', after]);
  }
  if (left.failovers > 0 && snapshot !== undefined) {
    const promoted = { ...snapshot, damaged: true };
    const after = { ...state, gate: promoted, zombie: gate, snapshot: undefined };
    const lessLeft = { ...left, failovers: left.failovers - 1 };
    steps.push(['the replica is promoted, the old one goes on', { ...destroyed(after), left: lessLeft }]);
  }
  if (left.wipes > 0 && gate !== undefined) {
    const after = { ...state, gate: undefined, zombie: gate, left: { ...left, wipes: left.wipes - 1 } };
    steps.push(['an empty Redis takes over, the old one goes on', destroyed(after)]);
  }
  if (left.deletions > 0 && gate?.available !== undefined) {
    const lessLeft = { ...left, deletions: left.deletions - 1 };
    steps.push([
      'the stock key is gone',
      { ...state, gate: { ...gate, available: undefined }, left: lessLeft },
    ]);
  }
  if (zombie !== undefined) steps.push(['the zombie ends', { ...state, zombie: undefined }]);
  return steps;
}

/** What only the lost data had is not promised any more. */
function destroyed(state: State): State {
  const promised = Object.fromEntries(
    Object.entries(state.promised).filter(([id, epoch]) => isSomewhere(state, id, epoch)),
  );
  return { ...state, promised };
}

/**
 * In the gate's outbox, in Kafka or in a row. Of an older acceptance of the same order, what a newer one takes over
 * does not count. @param epoch in which it was promised; 0: in any
 */
export function isSomewhere({ gate, log, rows }: State, id: OrderId, epoch: number): boolean {
  const has = ({ orderId }: OutboxEntry): boolean => orderId === id;
  const isOf = (found: number): boolean => epoch === 0 || found === epoch;
  const row = rows[id];
  if (row !== undefined && !givesWay(row, epoch)) return true;
  if (gate !== undefined && isOf(gate.epoch) && gate.outbox.some(has)) return true;
  return log.some((message) => has(message) && isOf(message.epoch));
}
