import { isMissing } from '../../../libs/ledger/src/catch-up';
import * as gates from './gate';
import { eventOf, knownOf } from './ledger';
import type { Bounds, Context } from './rules';
import { messageOf, type Gate, type Rebuilder, type State, type Step } from './state';

/**
 * A rebuild as separate steps; it can crash between any two. The next one starts over:
 * mark, close, relay the rest, note the end, (wait and) begin, raise the epoch, pages, clear the mark, end.
 */
export function rebuildSteps(state: State, context: Context): Step[] {
  return [
    ...start(state, context),
    ...state.rebuilders.flatMap((rebuilder, index) => {
      const name = state.rebuilders.length > 1 ? `rebuilder ${index + 1}` : 'the rebuilder';
      const crash: Step[] =
        state.left.crashes > 0
          ? [[`${name} dies`, { ...without(state, rebuilder), left: crashed(state) }]]
          : [];
      return [
        ...next(state, rebuilder, context).map(([step, after]): Step => [`${name} ${step}`, after]),
        ...crash,
      ];
    }),
  ];
}

/** Why the item has to be rebuilt. */
export function needsRebuild({ gate, ledger }: State): boolean {
  if (ledger.suspended || gate === undefined || gate.suspended) return true;
  return gate.watermark === undefined || gate.available === undefined || gate.epoch < ledger.epoch;
}

function start(state: State, { bounds }: Context): Step[] {
  const { left, ledger, rebuilders } = state;
  if (left.rebuilds === 0 || rebuilders.length >= bounds.rebuilders || !needsRebuild(state)) return [];
  const rebuilder: Rebuilder = {
    ...{ done: 'mark', id: left.rebuilds, from: ledger.epoch },
    ...{ end: 0, epoch: Math.max(ledger.epoch, state.gate?.epoch ?? 0) + 1, available: 0, cursor: '' },
  };
  const marked = {
    ...state,
    ledger: { ...ledger, suspended: true },
    rebuilders: [...rebuilders, rebuilder],
  };
  return [['a rebuild marks the item', { ...marked, left: { ...left, rebuilds: left.rebuilds - 1 } }]];
}

function next(state: State, rebuilder: Rebuilder, context: Context): Step[] {
  const { rules } = context;
  switch (rebuilder.done) {
    case 'mark': {
      const gate = state.gate === undefined ? undefined : gates.close(state.gate, rebuilder);
      return [['suspends the gate', step({ ...state, gate }, rebuilder, { done: 'suspend' })]];
    }
    case 'suspend':
      return rules.notesEndAfterRelay
        ? relay(state, rebuilder, context)
        : note(state, rebuilder, context, 'relay');
    case 'relay':
      return rules.notesEndAfterRelay
        ? note(state, rebuilder, context, 'note')
        : relay(state, rebuilder, context);
    case 'note':
      return rules.beginsBeforeRaise ? begin(state, rebuilder, context) : raise(state, rebuilder, context);
    case 'begin':
      return rules.beginsBeforeRaise ? raise(state, rebuilder, context) : page(state, rebuilder, context);
    case 'raise':
      return rules.beginsBeforeRaise ? page(state, rebuilder, context) : begin(state, rebuilder, context);
    case 'pages': {
      const { ledger } = state;
      if (ledger.epoch !== rebuilder.epoch) return [['finds another epoch', without(state, rebuilder)]];
      const cleared = { ...ledger, suspended: false };
      return [['clears the mark', step({ ...state, ledger: cleared }, rebuilder, { done: 'clear' })]];
    }
    case 'clear': {
      const gate = gates.finish(state.gate, rebuilder, rules);
      return gate === undefined
        ? [['is refused', without(state, rebuilder)]]
        : [['ends', { ...without(state, rebuilder), gate }]];
    }
  }
}

/** What the ledger lacks of the outbox is sent, as far as the gate can be read. */
function relay(state: State, rebuilder: Rebuilder, { rules, bounds }: Context): Step[] {
  const { gate, rows, log, ledger } = state;
  const known = knownOf(rows);
  const missing = (gate?.outbox ?? [])
    .map((entry) => messageOf(gate?.epoch ?? 0, entry))
    .filter((message) => isMissing(eventOf(message), known, ledger.epoch));
  if (log.length + missing.length > bounds.messages + bounds.orders.length) return [];
  const done = rules.notesEndAfterRelay ? 'relay' : 'note';
  const after = { ...state, log: [...log, ...missing] };
  return [['relays the rest', step(after, rebuilder, { done })]];
}

function note(state: State, rebuilder: Rebuilder, { bounds }: Context, done: 'relay' | 'note'): Step[] {
  const available = freeUnits(state, bounds);
  return [['notes the end', step(state, rebuilder, { done, end: state.log.length, available })]];
}

/** Whether the orders processes have come to the end that was noted. */
function hasWaited({ committed }: State, { end }: Rebuilder, { rules }: Context): boolean {
  return committed >= end || !rules.waits;
}

function begin(state: State, rebuilder: Rebuilder, context: Context): Step[] {
  if (!hasWaited(state, rebuilder, context)) return [];
  const gate = gates.begin(state.gate, rebuilder, context.rules);
  return written(state, rebuilder, { name: 'begins', gate, changes: { done: 'begin' } });
}

function raise(state: State, rebuilder: Rebuilder, context: Context): Step[] {
  const { ledger } = state;
  const { rules, bounds } = context;
  if (!hasWaited(state, rebuilder, context)) return [];
  const { epoch, end, from } = rebuilder;
  if (rules.raiseComparesEpoch && ledger.epoch !== from) {
    return [['finds another epoch', without(state, rebuilder)]];
  }
  const available = rules.countsWhenRaised ? freeUnits(state, bounds) : rebuilder.available;
  const noSequence = { watermark: 0, watermarkOrderId: '', ahead: [] };
  const raised = { ...ledger, epoch, epochOffset: end - 1, ...noSequence };
  return [['raises the epoch', step({ ...state, ledger: raised }, rebuilder, { done: 'raise', available })]];
}

/** One order's row a page, in the order of their ids. */
function page(state: State, rebuilder: Rebuilder, { rules }: Context): Step[] {
  const following = Object.keys(state.rows)
    .sort()
    .find((id) => id > rebuilder.cursor);
  const row = following === undefined ? undefined : state.rows[following];
  if (row === undefined) return [['has written all pages', step(state, rebuilder, { done: 'pages' })]];
  const gate = gates.writePage(state.gate, rebuilder, row, rules);
  return written(state, rebuilder, { name: `writes ${row.orderId}`, gate, changes: { cursor: row.orderId } });
}

interface Write {
  readonly name: string;
  /** undefined where the gate refuses it. */
  readonly gate: Gate | undefined;
  readonly changes: Partial<Rebuilder>;
}

function written(state: State, rebuilder: Rebuilder, { name, gate, changes }: Write): Step[] {
  if (gate === undefined) return [['is refused', without(state, rebuilder)]];
  return [[name, step({ ...state, gate }, rebuilder, changes)]];
}

function step(state: State, rebuilder: Rebuilder, changes: Partial<Rebuilder>): State {
  return {
    ...state,
    rebuilders: state.rebuilders.map((one) => (one === rebuilder ? { ...one, ...changes } : one)),
  };
}

function without(state: State, rebuilder: Rebuilder): State {
  return { ...state, rebuilders: state.rebuilders.filter((one) => one !== rebuilder) };
}

function crashed({ left }: State): State['left'] {
  return { ...left, crashes: left.crashes - 1 };
}

function freeUnits({ ledger }: State, { initial }: Bounds): number {
  return initial - ledger.held - ledger.sold;
}
