import type { Rules } from './rules';
import type { Gate, GateRecord, OrderId, Rebuilder, Row, Settlement } from './state';

/**
 * The gate's scripts in plain words: what reserve, settle, release, suspend and the rebuild's three make of one item.
 * Their Lua is tested elsewhere; here they are as their headers promise. Each answers the gate after it, or the same
 * gate where nothing changes.
 */

/** `reserve` for an order that the gate does not know: undefined where it does not accept it. */
export function accept(gate: Gate, orderId: OrderId, { suspendedRefuses }: Rules): Gate | undefined {
  const { available, watermark, sequence, records, outbox, suspended } = gate;
  if (watermark === undefined || records[orderId] !== undefined) return undefined;
  if (available === undefined || available < 1 || (suspended && suspendedRefuses)) return undefined;
  const next = sequence + 1;
  return {
    ...gate,
    available: available - 1,
    sequence: next,
    records: { ...records, [orderId]: { sequence: next, state: '-' } },
    outbox: [...outbox, { sequence: next, orderId }],
  };
}

export function suspend(gate: Gate, epoch: number): Gate {
  return gate.suspended || gate.epoch > epoch ? gate : { ...gate, suspended: true };
}

/** As a rebuild closes it. */
export function close(gate: Gate, { epoch, id }: Rebuilder): Gate {
  return gate.epoch >= epoch ? gate : { ...suspend(gate, gate.epoch), closedBy: id };
}

export type Settled = { readonly outcome: 'settled' | 'refused' | 'rewound'; readonly gate: Gate };

export function settle(gate: Gate, settlement: Settlement, rules: Rules): Settled {
  const { epoch, watermark, watermarkOrderId, statesAfter, states } = settlement;
  if (gate.watermark === undefined) return { outcome: 'refused', gate };
  if (rules.settleTestsEpoch && gate.epoch !== epoch) return { outcome: 'refused', gate };
  if (watermark > 0 && rules.watermarkOrderIsCompared) {
    if (gate.records[watermarkOrderId]?.sequence !== watermark) {
      return { outcome: 'rewound', gate: { ...gate, suspended: true } };
    }
  }
  if (statesAfter > gate.watermark) return { outcome: 'refused', gate };
  const records: Record<OrderId, GateRecord> = { ...gate.records };
  for (const [id, state] of states) {
    const record = records[id];
    if (record !== undefined && RANKS[state] > RANKS[record.state]) records[id] = { ...record, state };
  }
  return {
    outcome: 'settled',
    gate: {
      ...gate,
      records,
      outbox: gate.outbox.filter(({ sequence }) => sequence > watermark),
      watermark: Math.max(gate.watermark, watermark),
    },
  };
}

/** What the gate is after it heard of an order's end or payment; undefined where it has to be told later. */
export type Told = { readonly gate: Gate | undefined };

export function tell(gate: Gate | undefined, row: Row, rules: Rules): Told | undefined {
  return row.state === 'paid' ? tellPaid(gate, row) : release(gate, row, rules);
}

/** `settle` of a state, without a watermark. */
function tellPaid(gate: Gate | undefined, { orderId, untold = 0 }: Row): Told | undefined {
  if (gate === undefined || gate.epoch > untold) return { gate };
  if (gate.epoch < untold || gate.watermark === undefined) return undefined;
  const record = gate.records[orderId];
  if (record === undefined || record.state === 'p') return { gate };
  return { gate: { ...gate, records: { ...gate.records, [orderId]: { ...record, state: 'p' } } } };
}

/** `release` of an expired order. */
function release(gate: Gate | undefined, { orderId, untold = 0 }: Row, rules: Rules): Told | undefined {
  if (gate === undefined) return { gate };
  if (rules.releaseTestsEpoch && gate.epoch > untold) return { gate };
  if (gate.epoch < untold || gate.available === undefined) return undefined;
  const record = gate.records[orderId];
  if (record === undefined || record.state === 'r' || gate.released.includes(orderId)) return { gate };
  const state = RANKS[record.state] < RANKS.e ? 'e' : record.state;
  return {
    gate: {
      ...gate,
      available: gate.available + 1,
      records: { ...gate.records, [orderId]: { ...record, state } },
      released: [...gate.released, orderId],
    },
  };
}

const RANKS = { '-': 0, c: 1, r: 2, e: 2, p: 3 } as const;

/** The first step that writes: nothing of what was there stays. undefined: refused. */
export function begin(gate: Gate | undefined, rebuilder: Rebuilder, rules: Rules): Gate | undefined {
  const { epoch, id } = rebuilder;
  if (gate !== undefined) {
    if (rules.gateStepsTestEpoch && gate.epoch >= epoch) return undefined;
    const canAccept = gate.watermark !== undefined;
    if (rules.beginLooksAtGate && canAccept && gate.closedBy !== id) return undefined;
  }
  return {
    epoch,
    suspended: true,
    available: undefined,
    sequence: 0,
    watermark: undefined,
    cursor: '',
    records: {},
    outbox: [],
    released: [],
    closedBy: undefined,
    damaged: false,
  };
}

/** One page of one order, read from PostgreSQL at this moment. undefined: refused. */
export function writePage(
  gate: Gate | undefined,
  { epoch, cursor }: Rebuilder,
  row: Row,
  rules: Rules,
): Gate | undefined {
  if (gate === undefined) return undefined;
  if (rules.gateStepsTestEpoch && (gate.epoch !== epoch || gate.cursor !== cursor)) return undefined;
  const states = { confirmed: 'c', rejected: 'r', expired: 'e', paid: 'p' } as const;
  const written = { [row.orderId]: { sequence: 0, state: states[row.state] } };
  const records = rules.writesRecords ? { ...gate.records, ...written } : gate.records;
  return { ...gate, records, cursor: row.orderId };
}

/** Writes the stock, last of all. undefined: refused. */
export function finish(
  gate: Gate | undefined,
  { epoch, cursor, available }: Rebuilder,
  rules: Rules,
): Gate | undefined {
  if (gate === undefined) return undefined;
  if (rules.gateStepsTestEpoch && (gate.epoch !== epoch || gate.cursor !== cursor)) return undefined;
  if (rules.endLooksAtGate && gate.closedBy !== undefined) return undefined;
  return { ...gate, suspended: false, available, watermark: 0, cursor: undefined, closedBy: undefined };
}
